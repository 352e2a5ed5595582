using System.Security.Claims;
using Microsoft.EntityFrameworkCore;
using OpenIddict.Abstractions;
using OpenIddict.EntityFrameworkCore.Models;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace NannyOrleans.Api.Accounts;

/// <summary>
/// A person's signing in, by whatever way: an authorization of OpenIddict's, which all tokens and the cookie that come of it name. What
/// comes of one ends with it, and with the password and the second factor that it was made with.
/// </summary>
internal sealed class SignIns
{
    /// <summary>Claim: the state of the account's secrets when the person signed in; another one since is another password, for instance.</summary>
    public const string StampClaim = "nanny_stamp";

    private readonly IServiceScopeFactory services;
    private readonly TimeProvider clock;
    private readonly PersonAccess people;
    private readonly RecentReads<string> statuses;

    public SignIns(IServiceScopeFactory services, PersonAccess people, TimeProvider clock)
    {
        (this.services, this.people, this.clock) = (services, people, clock);
        statuses = new(clock, StatusOf);
    }

    /// <summary>Begins one: what the person is known by from here on.</summary>
    /// <param name="person">Who has shown that he is.</param>
    /// <param name="scopes">What may be done in his name.</param>
    public async Task<ClaimsPrincipal> Begin(Person person, IEnumerable<string> scopes)
    {
        var principal = PrincipalOf(person);
        principal.SetScopes(scopes);
        var descriptor = new OpenIddictAuthorizationDescriptor
        {
            CreationDate = clock.GetUtcNow(),
            Status = Statuses.Valid,
            Subject = person.Id,
            Type = AuthorizationTypes.AdHoc,
        };
        descriptor.Scopes.UnionWith(principal.GetScopes());
        await using var scope = services.CreateAsyncScope();
        var authorizations = scope.ServiceProvider.GetRequiredService<IOpenIddictAuthorizationManager>();
        return principal.SetAuthorizationId(await authorizations.GetIdAsync(await authorizations.CreateAsync(descriptor)));
    }

    /// <summary>What a person is known by, as it is now.</summary>
    public static ClaimsPrincipal PrincipalOf(Person person)
    {
        var identity = new ClaimsIdentity("person", Claims.Name, Claims.Role);
        identity.SetClaim(Claims.Subject, person.Id)
            .SetClaim(Claims.Name, person.UserName)
            .SetClaim(StampClaim, person.SecurityStamp);
        return new(identity);
    }

    /// <summary>Ends one: no token that came of it is good any more. Of two who do so at once neither is in the other's way.</summary>
    /// <param name="signIn">Which; null or empty for what came of none.</param>
    public async Task End(string? signIn)
    {
        if (string.IsNullOrEmpty(signIn))
        {
            return;
        }

        await using var scope = services.CreateAsyncScope();
        await scope.ServiceProvider.GetRequiredService<AccountsDb>().Set<OpenIddictEntityFrameworkCoreAuthorization>()
            .Where(one => one.Id == signIn)
            .ExecuteUpdateAsync(change => change.SetProperty(one => one.Status, Statuses.Revoked));
        statuses.Forget(signIn);
    }

    /// <summary>Whether what a person was given when he signed in holds still.</summary>
    public async ValueTask<bool> Hold(ClaimsPrincipal principal) =>
        principal.GetClaim(Claims.Subject) is { } person
        && principal.GetAuthorizationId() is { } signIn
        && (await people.Of(person))?.Stamp is { } stamp
        && stamp == principal.GetClaim(StampClaim)
        && await statuses.Get(signIn) is Statuses.Valid;

    private async Task<string?> StatusOf(string signIn)
    {
        await using var scope = services.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<AccountsDb>().Set<OpenIddictEntityFrameworkCoreAuthorization>()
            .Where(one => one.Id == signIn).Select(one => one.Status).SingleOrDefaultAsync();
    }
}
