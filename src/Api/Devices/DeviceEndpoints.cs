using System.Net;
using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Identity;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Domain.Access;
using NannyOrleans.Protocol;
using OpenIddict.Abstractions;
using OpenIddict.Server.AspNetCore;
using OpenIddict.Validation.AspNetCore;
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

    private const string Bearer = OpenIddictValidationAspNetCoreDefaults.AuthenticationScheme;

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
        return asked is null && http.Request.Query.TryGetValue("user_code", out var typed) && !string.IsNullOrWhiteSpace(typed)
            ? Page(http, Code(ticket), null, WrongCode, HttpStatusCode.BadRequest)
            : Page(http, Code(ticket), asked, null, HttpStatusCode.OK);
    }

    internal static async Task<IResult> Decide(HttpContext http, UserManager<Person> people, PasswordCheck passwords, IAuthorizationService authorization)
    {
        var ticket = await http.AuthenticateAsync(Scheme);
        var form = await http.Request.ReadFormAsync();
        var (approver, refusal) = IsCommandLine(http) ? await Caller(http, authorization) : (await SignIn(form, people, passwords), null);
        if (approver is null)
        {
            return refusal ?? Page(http, Code(ticket), Asked(ticket), "User name and password do not match an administrator, or the account is locked.", HttpStatusCode.Forbidden);
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

    private static bool IsCommandLine(HttpContext http) => http.Request.Headers.Authorization.Count > 0;

    private static async Task<(string? Name, IResult? Refusal)> Caller(HttpContext http, IAuthorizationService authorization) =>
        (await http.AuthenticateAsync(Bearer)).Principal switch
        {
            null => (null, Results.Challenge(null, [Bearer])),
            var caller when (await authorization.AuthorizeAsync(caller, null, new PermissionRequirement(Powers.Administer, Everywhere: true))).Succeeded => (caller.GetClaim(Claims.Name), null),
            _ => (null, Results.Forbid(null, [Bearer])),
        };

    private static async Task<string?> SignIn(IFormCollection form, UserManager<Person> people, PasswordCheck passwords)
    {
        var person = await passwords.Check(form["username"], form["password"]);
        return person is not null && new Rights(await PersonAccess.GrantsOf(people, person)).Everywhere.HasFlag(Powers.Administer) ? person.UserName : null;
    }

    // For a code that is not known OpenIddict still makes a principal, an empty one.
    private static ClaimsPrincipal? Asked(AuthenticateResult ticket) =>
        ticket is { Succeeded: true, Principal: { } principal } && principal.HasClaim(Policies.NodeClaim) ? principal : null;

    private static bool IsMachine(ClaimsPrincipal asked) => asked.NodeKey().Cluster.IsMachine;

    private static string Code(AuthenticateResult ticket) =>
        ticket.Properties?.GetTokenValue(OpenIddictServerAspNetCoreConstants.Tokens.UserCode) ?? string.Empty;

    private static IResult Page(HttpContext http, string code, ClaimsPrincipal? asked, string? problem, HttpStatusCode status)
    {
        if (IsCommandLine(http) && problem is not null)
        {
            return Results.Problem(problem, statusCode: (int)status);
        }

        var e = HtmlEncoder.Default;
        var host = asked is null
            ? "<p>Type the code that <code>nannyagent register</code> shows on the host.</p>"
            : $"""
              <p>This {(IsMachine(asked) ? "machine outside Proxmox VE" : "Proxmox VE host")} asks to be managed, with root rights, by this server:</p>
              <dl><dt>Host</dt><dd>{e.Encode(asked.GetClaim(Registration.Hostname) ?? string.Empty)}</dd>
              <dt>{(IsMachine(asked) ? "Machine" : "Node")}</dt><dd>{e.Encode(asked.GetClaim(Policies.NodeClaim) ?? string.Empty)}</dd>
              {(IsMachine(asked) ? string.Empty : $"<dt>Cluster</dt><dd>{e.Encode(asked.GetClaim(Registration.ClusterName) ?? string.Empty)}</dd>")}</dl>
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
