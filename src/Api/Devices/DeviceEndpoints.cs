using System.Net;
using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Identity;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Protocol;
using OpenIddict.Abstractions;
using OpenIddict.Server.AspNetCore;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace NannyOrleans.Api.Devices;

/// <summary>
/// Where a person approves an agent: a page for a browser, and the same address with an administrator's token for a command line. The
/// page asks for the password with each approval and keeps no session, so there is no cookie another site could ride on.
/// </summary>
internal static class DeviceEndpoints
{
    /// <summary>The page's address; agents print it.</summary>
    public const string Path = "/device";

    private const string Scheme = OpenIddictServerAspNetCoreDefaults.AuthenticationScheme;

    public static void MapDevices(this IEndpointRouteBuilder routes)
    {
        routes.MapGet(Path, (Delegate)Show).AllowAnonymous().ExcludeFromDescription();
        routes.MapPost(Path, Decide).AllowAnonymous().DisableAntiforgery().ExcludeFromDescription();
        routes.MapGet($"{Path}/done", Done).AllowAnonymous().ExcludeFromDescription();
    }

    internal static async Task<IResult> Show(HttpContext http)
    {
        var ticket = await http.AuthenticateAsync(Scheme);
        var asked = Asked(ticket);
        return Page(http, Code(ticket), asked, asked is null && Code(ticket).Length > 0 ? WrongCode : null);
    }

    internal static async Task<IResult> Decide(HttpContext http, SignInManager<Person> signIn, IAuthorizationService authorization)
    {
        var ticket = await http.AuthenticateAsync(Scheme);
        var form = await http.Request.ReadFormAsync();
        if (await Approver(http, form, signIn, authorization) is not { } approver)
        {
            return Page(http, Code(ticket), Asked(ticket), "User name and password do not match an administrator, or the account is locked for some minutes.", HttpStatusCode.Forbidden);
        }

        if (Asked(ticket) is not { } asked)
        {
            return Page(http, Code(ticket), null, WrongCode, HttpStatusCode.BadRequest);
        }

        var done = new AuthenticationProperties { RedirectUri = $"{Path}/done" };
        switch (form["decision"].ToString())
        {
            case "approve":
                var identity = new ClaimsIdentity("device", Claims.Name, Claims.Role);
                identity.AddClaims(asked.Claims.Where(claim => claim.Type is Policies.NodeClaim or Registration.Hostname or Registration.ClusterName));
                identity.SetClaim(Claims.Subject, Ulid.NewUlid().ToString()).SetClaim("approved_by", approver).SetScopes(asked.GetScopes());
                identity.SetDestinations(_ => [Destinations.AccessToken]);
                return Results.SignIn(new(identity), done, Scheme);
            case "deny":
                return Results.Forbid(done, [Scheme]);
            default:
                return Page(http, Code(ticket), asked, "The field 'decision' must be 'approve' or 'deny'.", HttpStatusCode.BadRequest);
        }
    }

    /// <summary>What a browser lands on after the decision.</summary>
    internal static IResult Done() => Html("<p>Done. The host goes on by itself; you can close this page.</p>", HttpStatusCode.OK);

    private const string WrongCode = "This code is not known or has expired. Check it on the host; it changes with each attempt.";

    private static async Task<string?> Approver(HttpContext http, IFormCollection form, SignInManager<Person> signIn, IAuthorizationService authorization)
    {
        if (http.Request.Headers.Authorization.Count > 0)
        {
            var bearer = await http.AuthenticateAsync(OpenIddict.Validation.AspNetCore.OpenIddictValidationAspNetCoreDefaults.AuthenticationScheme);
            return bearer.Principal is { } caller && (await authorization.AuthorizeAsync(caller, Policies.Administrator)).Succeeded
                ? caller.GetClaim(Claims.Name)
                : null;
        }

        var person = await signIn.UserManager.FindByNameAsync(form["username"].ToString());
        return person is not null
            && (await signIn.CheckPasswordSignInAsync(person, form["password"].ToString(), lockoutOnFailure: true)).Succeeded
            && await signIn.UserManager.IsInRoleAsync(person, Policies.Administrator)
                ? person.UserName
                : null;
    }

    // For a code that is not known OpenIddict still makes a principal, an empty one.
    private static ClaimsPrincipal? Asked(AuthenticateResult ticket) =>
        ticket is { Succeeded: true, Principal: { } principal } && principal.HasClaim(Policies.NodeClaim) ? principal : null;

    private static string Code(AuthenticateResult ticket) =>
        ticket.Properties?.GetTokenValue(OpenIddictServerAspNetCoreConstants.Tokens.UserCode) ?? string.Empty;

    private static IResult Page(HttpContext http, string code, ClaimsPrincipal? asked, string? problem, HttpStatusCode status = HttpStatusCode.OK)
    {
        if (http.Request.Headers.Authorization.Count > 0)
        {
            return Results.Problem(problem, statusCode: (int)status);
        }

        var e = HtmlEncoder.Default;
        var host = asked is null
            ? "<p>Type the code that <code>nannyagent register</code> shows on the host.</p>"
            : $"""
              <p>This host asks to be managed, with root rights, by this server:</p>
              <dl><dt>Host</dt><dd>{e.Encode(asked.GetClaim(Registration.Hostname) ?? string.Empty)}</dd>
              <dt>Node</dt><dd>{e.Encode(asked.GetClaim(Policies.NodeClaim) ?? string.Empty)}</dd>
              <dt>Cluster</dt><dd>{e.Encode(asked.GetClaim(Registration.ClusterName) ?? string.Empty)}</dd></dl>
              <p>Approve it only if you have just started <code>nannyagent register</code> there and it shows this code.</p>
              """;
        return Html(
            $"""
            {(problem is null ? string.Empty : $"<p role=\"alert\"><strong>{e.Encode(problem)}</strong></p>")}
            {host}
            <form method="post" action="{Path}">
            <p><label>Code <input name="user_code" value="{e.Encode(code)}" required autocomplete="off"></label></p>
            <p><label>User name <input name="username" required autocomplete="username"></label></p>
            <p><label>Password <input name="password" type="password" required autocomplete="current-password"></label></p>
            <p><button name="decision" value="approve">Approve</button> <button name="decision" value="deny">Deny</button></p>
            </form>
            """,
            status);
    }

    private static IResult Html(string body, HttpStatusCode status) => Results.Content(
        $"""
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>NannyOrleans: approve an agent</title></head>
        <body><main><h1>Approve an agent</h1>
        {body}
        </main></body></html>
        """,
        "text/html; charset=utf-8",
        statusCode: (int)status);
}
