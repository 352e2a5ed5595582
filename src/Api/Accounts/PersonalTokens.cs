using System.Security.Claims;
using Microsoft.EntityFrameworkCore;
using NannyOrleans.Api.Http;
using OpenIddict.Abstractions;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace NannyOrleans.Api.Accounts;

/// <summary>Who calls with a personal access token. One that was revoked, in whichever process, opens nothing from <see cref="RecentReads{T}.Fresh"/> on.</summary>
internal sealed class PersonalTokens
{
    /// <summary>Claim of who calls with one: its id.</summary>
    public const string IdClaim = "nanny_pat";

    private static readonly TimeSpan UseNoted = TimeSpan.FromMinutes(1);

    private readonly IServiceScopeFactory services;
    private readonly PersonAccess people;
    private readonly TimeProvider clock;
    private readonly RecentReads<Known> tokens;

    public PersonalTokens(IServiceScopeFactory services, PersonAccess people, TimeProvider clock)
    {
        (this.services, this.people, this.clock) = (services, people, clock);
        tokens = new(clock, Read);
    }

    /// <summary>Who calls; null when the token opens nothing.</summary>
    public async ValueTask<ClaimsPrincipal?> Find(string token)
    {
        var now = clock.GetUtcNow();
        if (await tokens.Get(PersonalToken.HashOf(token)) is not { } known || now >= known.ExpiresAt || await people.Of(known.PersonId) is null)
        {
            return null;
        }

        if (known.IsUseDue(now, UseNoted))
        {
            await Note(known.Id, now);
        }

        return known.Principal;
    }

    /// <summary>One was revoked here, which counts at once.</summary>
    public void Revoked(PersonalToken token) => tokens.Forget(token.Hash);

    private async Task Note(string id, DateTimeOffset now)
    {
        var due = now - UseNoted;
        try
        {
            await using var scope = services.CreateAsyncScope();
            await scope.ServiceProvider.GetRequiredService<AccountsDb>().PersonalTokens
                .Where(one => one.Id == id && (one.LastUsedAt == null || one.LastUsedAt < due)) // another process may have noted it
                .ExecuteUpdateAsync(change => change.SetProperty(one => one.LastUsedAt, now));
        }
        catch (Exception failure) when (Problems.IsUnavailable(failure))
        {
            // What is known holds while the database does not answer, and a use in that time is no more than a date that is missing.
        }
    }

    private async Task<Known?> Read(string hash)
    {
        await using var scope = services.CreateAsyncScope();
        var accounts = scope.ServiceProvider.GetRequiredService<AccountsDb>();
        var found = await (from one in accounts.PersonalTokens.AsNoTracking()
                           join person in accounts.Users on one.PersonId equals person.Id
                           where one.Hash == hash
                           select new { one.Id, one.PersonId, one.Scopes, one.ExpiresAt, one.LastUsedAt, person.UserName }).SingleOrDefaultAsync();
        if (found is null)
        {
            return null;
        }

        var identity = new ClaimsIdentity("personal access token", Claims.Name, Claims.Role);
        identity.SetClaim(Claims.Subject, found.PersonId).SetClaim(Claims.Name, found.UserName).SetClaim(IdClaim, found.Id).SetScopes(found.Scopes.Split(' '));
        return new(found.Id, found.PersonId, found.ExpiresAt, new(identity), found.LastUsedAt);
    }

    private sealed class Known(string id, string personId, DateTimeOffset expiresAt, ClaimsPrincipal principal, DateTimeOffset? lastUsedAt)
    {
        private long noted = (lastUsedAt ?? DateTimeOffset.MinValue).UtcTicks;

        public string Id => id;

        public string PersonId => personId;

        public DateTimeOffset ExpiresAt => expiresAt;

        public ClaimsPrincipal Principal => principal;

        /// <summary>Whether this use is to be noted; true for one caller alone.</summary>
        public bool IsUseDue(DateTimeOffset now, TimeSpan every)
        {
            var last = Interlocked.Read(ref noted);
            return now.UtcTicks - last > every.Ticks && Interlocked.CompareExchange(ref noted, now.UtcTicks, last) == last;
        }
    }
}
