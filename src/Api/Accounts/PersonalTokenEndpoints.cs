using System.Security.Claims;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using NannyOrleans.Api.Http;
using NannyOrleans.Domain;
using NannyOrleans.Domain.Access;
using OpenIddict.Abstractions;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace NannyOrleans.Api.Accounts;

/// <summary>
/// Personal access tokens, for programs that have nobody to ask for a password. Who makes one has signed in himself: a token made by a token could
/// outlive it, or be good for more.
/// </summary>
internal static class PersonalTokenEndpoints
{
    private const string Path = "/api/tokens";

    public static void MapPersonalTokens(this IEndpointRouteBuilder routes)
    {
        var tokens = routes.MapGroup(Path).WithTags("Account").RequireAuthorization(Policies.SignedIn);
        tokens.MapPost("/", Make).WithName("MakePersonalToken").WithSummary("Makes a personal access token. The token itself is in this answer and nowhere else.")
            .ProducesProblem(StatusCodes.Status409Conflict);
        tokens.MapGet("/", List).WithName("ListPersonalTokens").WithSummary("One's own personal access tokens, without the tokens themselves; an administrator also sees others'.")
            .ProducesProblem(StatusCodes.Status403Forbidden).ProducesProblem(StatusCodes.Status404NotFound);
        tokens.MapDelete("/{id}", Revoke).WithName("RevokePersonalToken").WithSummary("Revokes a personal access token; it opens nothing from 5 s later on. An administrator may revoke others' too.")
            .ProducesProblem(StatusCodes.Status403Forbidden).ProducesProblem(StatusCodes.Status404NotFound);
    }

    internal static async Task<Results<Created<PersonalTokenView>, ValidationProblem, ProblemHttpResult>> Make(
        JsonBody<PersonalTokenRequest> body, ClaimsPrincipal caller, AccountsDb accounts, TimeProvider clock)
    {
        var person = caller.GetClaim(Claims.Subject)!;
        var (row, token, errors) = body.Value.Read(person, clock.GetUtcNow());
        if (row is null)
        {
            return Problems.Invalid(errors);
        }

        if (await accounts.PersonalTokens.CountAsync(one => one.PersonId == person) >= PersonalToken.Most)
        {
            return TypedResults.Problem(new Refusal("too-many-tokens", $"There are {PersonalToken.Most} tokens already; revoke those that are not used any more.").ToProblem());
        }

        accounts.PersonalTokens.Add(row);
        await accounts.SaveChangesAsync();
        return TypedResults.Created($"{Path}/{row.Id}", PersonalTokenView.Of(row) with { Token = token });
    }

    /// <param name="person">Another person's, by user name: for administrators.</param>
    /// <param name="http">The request.</param>
    /// <param name="accounts">The accounts.</param>
    /// <param name="people">The people.</param>
    /// <param name="authorization">Knows administrators.</param>
    internal static async Task<Results<Ok<IReadOnlyList<PersonalTokenView>>, ProblemHttpResult>> List(
        string? person, HttpContext http, AccountsDb accounts, UserManager<Person> people, IAuthorizationService authorization)
    {
        var (owner, problem) = await Owner(person, http, people, authorization);
        if (owner is null)
        {
            return problem!;
        }

        var rows = await accounts.PersonalTokens.AsNoTracking().Where(one => one.PersonId == owner).OrderByDescending(one => one.Id).ToListAsync();
        return TypedResults.Ok<IReadOnlyList<PersonalTokenView>>([.. rows.Select(PersonalTokenView.Of)]);
    }

    /// <param name="id">The token's id, as the list shows it.</param>
    /// <param name="person">Another person's, by user name: for administrators.</param>
    /// <param name="http">The request.</param>
    /// <param name="accounts">The accounts.</param>
    /// <param name="people">The people.</param>
    /// <param name="tokens">Forgets it.</param>
    /// <param name="authorization">Knows administrators.</param>
    internal static async Task<Results<NoContent, ProblemHttpResult>> Revoke(
        string id, string? person, HttpContext http, AccountsDb accounts, UserManager<Person> people, PersonalTokens tokens, IAuthorizationService authorization)
    {
        var (owner, problem) = await Owner(person, http, people, authorization);
        if (owner is null)
        {
            return problem!;
        }

        // Another's id is as if it were none: who may not see it learns nothing of it.
        if (await accounts.PersonalTokens.AsNoTracking().SingleOrDefaultAsync(one => one.Id == id && one.PersonId == owner) is not { } row)
        {
            return TypedResults.Problem(Problems.NotFound("personal access token", id));
        }

        await accounts.PersonalTokens.Where(one => one.Id == row.Id).ExecuteDeleteAsync();
        tokens.Revoked(row);
        return TypedResults.NoContent();
    }

    private static async Task<(string? Id, ProblemHttpResult? Problem)> Owner(string? named, HttpContext http, UserManager<Person> people, IAuthorizationService authorization)
    {
        var self = http.User.GetClaim(Claims.Subject)!;
        if (named is null || string.Equals(named, http.User.GetClaim(Claims.Name), StringComparison.OrdinalIgnoreCase))
        {
            return (self, null);
        }

        if (!(await authorization.AuthorizeAsync(http.User, null, new PermissionRequirement(Powers.Administer, Everywhere: true))).Succeeded)
        {
            return (null, TypedResults.Problem(Problems.Forbidden("Others' tokens are for administrators.")));
        }

        return await people.FindByNameAsync(named) is { } other ? (other.Id, null) : (null, TypedResults.Problem(Problems.NotFound("person", named)));
    }
}

/// <summary>A personal access token as shown.</summary>
/// <param name="Id">Its id, by which it is revoked.</param>
/// <param name="Name">What it is called.</param>
/// <param name="Scopes">What may be done with it.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="ExpiresAt">From when on it opens nothing.</param>
/// <param name="LastUsedAt">When it was last used, give or take a minute; null when never.</param>
/// <param name="Token">The token itself, in the answer that made it alone.</param>
public sealed record PersonalTokenView(
    string Id, string Name, IReadOnlyList<string> Scopes, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt, DateTimeOffset? LastUsedAt,
    [property: System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull)] string? Token = null)
{
    /// <summary>The view of one.</summary>
    internal static PersonalTokenView Of(PersonalToken one) => new(one.Id, one.Name, one.Scopes.Split(' '), one.CreatedAt, one.ExpiresAt, one.LastUsedAt);
}
