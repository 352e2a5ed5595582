using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http.HttpResults;
using NannyOrleans.Api.Http;
using NannyOrleans.Api.People;
using OpenIddict.Abstractions;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace NannyOrleans.Api.Accounts;

/// <summary>Signing in with a browser, by a cookie; and who one is, whatever one has signed in with.</summary>
internal static class SessionEndpoints
{
    private const string Path = "/api/session";

    public static void MapSession(this IEndpointRouteBuilder routes)
    {
        var session = routes.MapGroup(Path).WithTags("Account");
        session.MapPost("/", Begin).AllowAnonymous().WithName("SignIn").WithSummary("Signs in with a password and sets a cookie, for pages of this server. The request must come from one of them.")
            .ProducesProblem(StatusCodes.Status401Unauthorized).ProducesProblem(StatusCodes.Status403Forbidden);
        session.MapGet("/", Get).RequireAuthorization(Policies.Person).WithName("GetSession").WithSummary("Who one is, and what the token or cookie that was shown is good for.");
        session.MapDelete("/", End).RequireAuthorization(Policies.SignedIn).WithName("SignOut").WithSummary("Ends the sign-in: the cookie that was shown, or the token with all that came of the same sign-in.");
    }

    internal static async Task<Results<Ok<SessionView>, ProblemHttpResult>> Begin(
        JsonBody<SessionRequest> body, HttpContext http, PasswordCheck passwords, SignIns signIns, PersonAccess access, TimeProvider clock)
    {
        // Another's page could sign somebody in as somebody else, who would then work in that name.
        if (!SessionCookie.IsFromHere(http.Request))
        {
            return Problems.Foreign();
        }

        var answer = await passwords.Check(new(body.Value.UserName, body.Value.Password, body.Value.Code, body.Value.RecoveryCode));
        if (answer.Person is not { } person)
        {
            return TypedResults.Problem(Problems.NotLetIn(answer));
        }

        var principal = await signIns.Begin(person, [TokenSetup.ApiScope]);
        await http.SignInAsync(SessionCookie.SchemeName, principal, SessionCookie.Begin(clock.GetUtcNow()));
        return TypedResults.Ok(await SessionView.Of(principal, access));
    }

    internal static async Task<Ok<SessionView>> Get(ClaimsPrincipal caller, PersonAccess access) => TypedResults.Ok(await SessionView.Of(caller, access));

    internal static async Task<NoContent> End(HttpContext http, SignIns signIns)
    {
        await signIns.End(http.User.GetAuthorizationId()!);
        await http.SignOutAsync(SessionCookie.SchemeName);
        return TypedResults.NoContent();
    }
}

/// <summary>What <c>POST /api/session</c> takes.</summary>
/// <param name="UserName">The account's name.</param>
/// <param name="Password">Its password.</param>
/// <param name="Code">Its second factor's code, where it has one.</param>
/// <param name="RecoveryCode">Or a recovery code.</param>
internal sealed record SessionRequest(string? UserName = null, string? Password = null, string? Code = null, string? RecoveryCode = null);

/// <summary>Who somebody is.</summary>
/// <param name="UserName">The account's name.</param>
/// <param name="Scopes">What the token or cookie is good for: <c>api</c> is all that the person may do.</param>
/// <param name="Roles">What was granted to the person.</param>
internal sealed record SessionView(string UserName, IReadOnlyList<string> Scopes, IReadOnlyList<RoleView> Roles)
{
    /// <summary>The view of who calls.</summary>
    public static async Task<SessionView> Of(ClaimsPrincipal caller, PersonAccess access) => new(
        caller.GetClaim(Claims.Name)!,
        [.. caller.GetScopes().Where(scope => scope is not OpenIddictConstants.Scopes.OfflineAccess)],
        [.. (await access.Of(caller.GetClaim(Claims.Subject)!))?.Grants.Select(RoleView.Of) ?? []]);
}
