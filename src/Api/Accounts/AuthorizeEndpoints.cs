using System.Net;
using Microsoft.AspNetCore;
using OpenIddict.Abstractions;
using OpenIddict.Server.AspNetCore;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace NannyOrleans.Api.Accounts;

/// <summary>
/// Where a person lets a tool on the same machine act for him (RFC 8252: authorization code with PKCE). The page asks for the password each time
/// and keeps no session, so there is no cookie another site could ride on.
/// </summary>
internal static class AuthorizeEndpoints
{
    /// <summary>The page's address.</summary>
    public const string Path = "/connect/authorize";

    private const string Scheme = OpenIddictServerAspNetCoreDefaults.AuthenticationScheme;

    public static void MapAuthorize(this IEndpointRouteBuilder routes)
    {
        routes.MapGet(Path, Show).AllowAnonymous().ExcludeFromDescription();
        routes.MapPost(Path, Decide).AllowAnonymous().DisableAntiforgery().ExcludeFromDescription();
    }

    internal static IResult Show(HttpContext http) => Page(http, Request(http), null, HttpStatusCode.OK);

    internal static async Task<IResult> Decide(HttpContext http, PasswordCheck passwords, SignIns signIns)
    {
        var request = Request(http);
        var form = await http.Request.ReadFormAsync();
        switch (form["decision"].ToString())
        {
            case "approve":
                var answer = await passwords.Check(Pages.Shown(form));
                if (answer.Person is not { } person)
                {
                    return Page(http, request, answer.Words, HttpStatusCode.Forbidden);
                }

                var principal = await signIns.Begin(person, request.GetScopes());
                return Results.SignIn(principal.SetDestinations(_ => [Destinations.AccessToken]), null, Scheme);
            case "deny":
                return Results.Forbid(
                    new(new Dictionary<string, string?> { [OpenIddictServerAspNetCoreConstants.Properties.Error] = Errors.AccessDenied }), [Scheme]);
            default:
                return Page(http, request, null, HttpStatusCode.OK); // a tool may begin with a form as well
        }
    }

    private static OpenIddictRequest Request(HttpContext http) =>
        http.GetOpenIddictServerRequest() ?? throw new InvalidOperationException("The authorization endpoint was reached without OpenIddict.");

    private static IResult Page(HttpContext http, OpenIddictRequest request, string? problem, HttpStatusCode status)
    {
        // What a form leads to in the end is bounded by the page that it is on: here to the tool, whose address was checked.
        http.Response.Headers.ContentSecurityPolicy =
            $"default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self' {new Uri(request.RedirectUri!).GetLeftPart(UriPartial.Authority)}; frame-ancestors 'none'; base-uri 'none'";

        // As OpenIddict has read and checked them; it reads and checks them again when they come back.
        var asked = request.GetParameters()
            .Where(parameter => parameter.Key is not ("username" or "password" or "totp" or "decision"))
            .Select(parameter => $"""<input type="hidden" name="{Pages.Encode(parameter.Key)}" value="{Pages.Encode((string?)parameter.Value)}">""");
        return Pages.Html(
            "Let a tool sign in",
            $"""
            {Pages.Alert(problem)}
            <p>A tool on the machine that this browser runs on, <code>{Pages.Encode(request.ClientId)}</code>, asks to do what you may do ({Pages.Encode(request.Scope)}).
            It will be told at <code>{Pages.Encode(request.RedirectUri)}</code>.</p>
            <p>Approve it only if you have just started it yourself.</p>
            <form method="post" action="{Path}">
            {string.Join("\n", asked)}
            {Pages.CredentialFields}
            <p><button name="decision" value="approve">Approve</button> <button name="decision" value="deny" formnovalidate>Deny</button></p>
            </form>
            """,
            status);
    }
}
