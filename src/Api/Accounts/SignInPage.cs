using System.Net;
using Microsoft.AspNetCore.Authentication;

namespace NannyOrleans.Api.Accounts;

/// <summary>Where a person signs in to the dashboard: a form, as it must be sent by a page of this server.</summary>
internal static class SignInPage
{
    /// <summary>The page's address.</summary>
    public const string Path = "/signin";

    /// <summary>The parameter that says where to go afterwards.</summary>
    public const string Return = "return";

    public static void MapSignInPage(this IEndpointRouteBuilder routes)
    {
        routes.MapGet(Path, Show).AllowAnonymous().ExcludeFromDescription();
        routes.MapPost(Path, SignIn).AllowAnonymous().DisableAntiforgery().ExcludeFromDescription();
        routes.MapPost("/signout", SignOut).AllowAnonymous().DisableAntiforgery().ExcludeFromDescription();
    }

    /// <summary>The address of the page, for who wants to go somewhere.</summary>
    /// <param name="to">Where, relative to the server.</param>
    public static string AddressFor(string to) => $"{Path}?{Return}={Uri.EscapeDataString($"/{to.TrimStart('/')}")}";

    internal static IResult Show(HttpContext http, OidcOptions oidc) => Page(http, oidc, problem: null, HttpStatusCode.OK);

    internal static async Task<IResult> SignIn(HttpContext http, PasswordCheck passwords, SignIns signIns, OidcOptions oidc, TimeProvider clock)
    {
        // Another's page could sign somebody in as somebody else, who would then work in that name.
        if (!SessionCookie.IsFromHere(http.Request))
        {
            return Http.Problems.Foreign();
        }

        var answer = await passwords.Check(Pages.Shown(await http.Request.ReadFormAsync()));
        if (answer.Person is not { } person)
        {
            return Page(http, oidc, answer.Words, HttpStatusCode.Forbidden);
        }

        await http.SignInAsync(SessionCookie.SchemeName, await signIns.Begin(person, [TokenSetup.ApiScope]), SessionCookie.Begin(clock.GetUtcNow()));
        return Results.LocalRedirect(Target(http));
    }

    internal static async Task<IResult> SignOut(HttpContext http, SignIns signIns)
    {
        if (!SessionCookie.IsFromHere(http.Request))
        {
            return Http.Problems.Foreign();
        }

        if (await http.AuthenticateAsync(SessionCookie.SchemeName) is { Principal: { } person })
        {
            await signIns.End(OpenIddict.Abstractions.OpenIddictExtensions.GetAuthorizationId(person));
            await http.SignOutAsync(SessionCookie.SchemeName);
        }

        return Results.LocalRedirect(Path);
    }

    // Within this server alone: what leads here may be anybody's link.
    private static string Target(HttpContext http) =>
        http.Request.Query[Return].ToString() is ['/', not ('/' or '\\'), ..] local && !local.Contains('\\', StringComparison.Ordinal) && !local.Any(char.IsControl) ? local : "/";

    private static IResult Page(HttpContext http, OidcOptions oidc, string? problem, HttpStatusCode status) => Pages.Html(
        "Sign in",
        $"""
        {Pages.Alert(problem)}
        <form method="post" action="{Path}?{Return}={Pages.Encode(Uri.EscapeDataString(Target(http)))}">
        {Pages.CredentialFields}
        <p><button>Sign in</button></p>
        </form>
        {(oidc.Provider is null ? string.Empty : $"""<p><a href="{OidcSignIn.Path}">Sign in with {Pages.Encode(oidc.Provider.Host)}</a></p>""")}
        """,
        status);
}
