using System.Net;
using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Api.Audit;
using NannyOrleans.Domain;
using NannyOrleans.Domain.Access;
using NannyOrleans.Grains.History;
using NannyOrleans.Protocol;
using OpenIddict.Abstractions;
using OpenIddict.Server.AspNetCore;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace NannyOrleans.Api.Devices;

/// <summary>
/// Where a person approves an agent, or signs in a command line: a page for a browser, and the same address with a token for a command line. The
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
        return asked is null && http.Request.Query.TryGetValue("user_code", out var typed) && !string.IsNullOrWhiteSpace(typed)
            ? Page(http, Code(ticket), null, WrongCode, HttpStatusCode.BadRequest)
            : Page(http, Code(ticket), asked, null, HttpStatusCode.OK);
    }

    internal static async Task<IResult> Decide(
        HttpContext http, PasswordCheck passwords, IAuthorizationService authorization, Refusals refusals, IGrainFactory grains, TimeProvider clock)
    {
        var ticket = await http.AuthenticateAsync(Scheme);
        var form = await http.Request.ReadFormAsync();
        var asked = Asked(ticket);
        var (approver, refusal) = IsCommandLine(http) ? await Caller(http) : await SignIn(http, ticket, form, passwords);
        if (approver is null)
        {
            await refusals.Note(
                new(AuditEntry.Nobody, "approve-agent", asked?.GetClaim(Policies.NodeClaim) ?? "unknown code", Audited.Address(http), "unauthorized"),
                IsCommandLine(http) ? "by a token that is not good for it" : "by a user name and password that do not match");
            return refusal!;
        }

        if (asked is null)
        {
            return Page(http, Code(ticket), null, WrongCode, HttpStatusCode.BadRequest);
        }

        // Who lets a host in gives it root's work to do; who signs in a command line gives it no more than he has himself.
        if (IsAgent(asked) && !(await authorization.AuthorizeAsync(approver, null, new PermissionRequirement(Powers.Administer, Everywhere: true))).Succeeded)
        {
            await refusals.Note(new(Audited.Actor(approver), "approve-agent", asked.GetClaim(Policies.NodeClaim)!, Audited.Address(http), "forbidden"));
            return IsCommandLine(http)
                ? Results.Forbid(null, [TokenMemory.SchemeName])
                : Page(http, Code(ticket), asked, "Only an administrator can approve a host.", HttpStatusCode.Forbidden);
        }

        var done = new AuthenticationProperties { RedirectUri = $"{Path}/done" };
        switch (form["decision"].ToString())
        {
            case "approve":
                return Results.SignIn(IsAgent(asked) ? AgentOf(asked, approver) : PersonOf(asked, approver), done, Scheme);
            case "deny":
                await grains.GetGrain<IHistoryGrain>(0).AddAudit(new(
                    clock.GetUtcNow(), Audited.Actor(approver), IsAgent(asked) ? "deny-agent" : "deny-sign-in", asked.GetClaim(Policies.NodeClaim) ?? asked.GetClaim(Registration.Hostname)!, "done", null)
                {
                    Address = Audited.Address(http),
                    Cluster = IsAgent(asked) ? asked.NodeKey().Cluster : null,
                });
                return Results.Forbid(done, [Scheme]);
            default:
                return Page(http, Code(ticket), asked, "The field 'decision' must be 'approve' or 'deny'.", HttpStatusCode.BadRequest);
        }
    }

    /// <summary>What a browser lands on after the decision.</summary>
    internal static IResult Done() => Html("<p>Done. What asked for it goes on by itself; you can close this page.</p><p><a href=\"/agents\">To the agents</a></p>", HttpStatusCode.OK);

    private const string WrongCode = "This code is not known or has expired. Check it where it was shown; it changes with each attempt.";

    private static bool IsCommandLine(HttpContext http) => http.Request.Headers.Authorization.Count > 0;

    private static async Task<(ClaimsPrincipal? Approver, IResult? Refusal)> Caller(HttpContext http)
    {
        var caller = (await http.AuthenticateAsync(TokenMemory.SchemeName)).Principal;
        if (caller is null)
        {
            return (null, Results.Challenge(null, [TokenMemory.SchemeName]));
        }

        // What it approves may do all that the person may, so a token that is good for less is not enough.
        return caller.FindFirst(Policies.NodeClaim) is null && caller.HasScope(TokenSetup.ApiScope)
            ? (caller, null)
            : (null, Results.Forbid(null, [TokenMemory.SchemeName]));
    }

    private static async Task<(ClaimsPrincipal? Approver, IResult? Refusal)> SignIn(
        HttpContext http, AuthenticateResult ticket, IFormCollection form, PasswordCheck passwords)
    {
        var answer = await passwords.Check(Pages.Shown(form));
        return answer.Person is { } person
            ? (SignIns.PrincipalOf(person).SetScopes(TokenSetup.ApiScope), null)
            : (null, Page(http, Code(ticket), Asked(ticket), answer.Words, HttpStatusCode.Forbidden));
    }

    private static ClaimsPrincipal AgentOf(ClaimsPrincipal asked, ClaimsPrincipal approver)
    {
        var identity = new ClaimsIdentity("device", Claims.Name, Claims.Role);
        identity.AddClaims(asked.Claims.Where(claim => claim.Type is Policies.NodeClaim or Registration.Hostname or Registration.ClusterName));
        identity.SetClaim(Claims.Subject, Ulid.NewUlid().ToString()).SetClaim(TokenAudit.ApprovedBy, approver.GetClaim(Claims.Name)).SetScopes(asked.GetScopes());
        identity.SetDestinations(_ => [Destinations.AccessToken]);
        return new(identity);
    }

    private static ClaimsPrincipal PersonOf(ClaimsPrincipal asked, ClaimsPrincipal approver)
    {
        var identity = new ClaimsIdentity("device", Claims.Name, Claims.Role);
        identity.SetClaim(Claims.Subject, approver.GetClaim(Claims.Subject)).SetClaim(SignIns.StampClaim, approver.GetClaim(SignIns.StampClaim))
            .SetClaim(Registration.Hostname, asked.GetClaim(Registration.Hostname)).SetClaim(TokenAudit.ApprovedBy, approver.GetClaim(Claims.Name)).SetScopes(asked.GetScopes());
        return new(identity);
    }

    // For a code that is not known OpenIddict still makes a principal, an empty one.
    private static ClaimsPrincipal? Asked(AuthenticateResult ticket) =>
        ticket is { Succeeded: true, Principal: { } principal } && principal.HasClaim(Registration.Hostname) ? principal : null;

    private static bool IsAgent(ClaimsPrincipal asked) => asked.HasClaim(Policies.NodeClaim);

    private static bool IsMachine(ClaimsPrincipal asked) => asked.NodeKey().Cluster.IsMachine;

    private static string Code(AuthenticateResult ticket) =>
        ticket.Properties?.GetTokenValue(OpenIddictServerAspNetCoreConstants.Tokens.UserCode) ?? string.Empty;

    private static IResult Page(HttpContext http, string code, ClaimsPrincipal? asked, string? problem, HttpStatusCode status)
    {
        if (IsCommandLine(http) && problem is not null)
        {
            return Results.Problem(problem, statusCode: (int)status);
        }

        return Html(asked is null ? AskForCode(http, problem) : AskToDecide(code, asked, problem), status);
    }

    // The code alone at first: whoever types his password has seen before what for.
    private static string AskForCode(HttpContext http, string? problem) =>
        $"""
        {Pages.Alert(problem)}
        <p>Type the code that <code>nannyagent register</code> or <code>nannyctl login</code> shows.</p>
        <form method="get" action="{Path}">
        <p><label>Code <input class="code" name="user_code" value="{Pages.Encode(Typed(http))}" required maxlength="40" placeholder="ABCD-EFGH" autocomplete="off" autocapitalize="off" autocorrect="off" spellcheck="false" autofocus></label></p>
        <p><button>Go on</button></p>
        </form>
        """;

    private static string AskToDecide(string code, ClaimsPrincipal asked, string? problem) =>
        $"""
        {Pages.Alert(problem)}
        {Question(asked)}
        <p>The code there must be this one:</p>
        <p class="code"><strong>{Pages.Encode(code)}</strong></p>
        <form method="post" action="{Path}">
        <input type="hidden" name="user_code" value="{Pages.Encode(code)}">
        {Pages.CredentialFields}
        <p class="decision"><button name="decision" value="approve">Approve {(IsAgent(asked) ? "this host" : "this sign-in")}</button> <button class="bad" name="decision" value="deny">Deny</button></p>
        </form>
        <p><a href="{Path}">Another code</a></p>
        """;

    private static string Typed(HttpContext http) => http.Request.Query["user_code"].ToString() is { Length: <= 40 } typed ? PrintableText.Of(typed) : string.Empty;

    private static string Question(ClaimsPrincipal asked)
    {
        var host = Pages.Encode(asked.GetClaim(Registration.Hostname));
        return IsAgent(asked)
            ? $"""
              <p>This {(IsMachine(asked) ? "machine outside Proxmox VE" : "Proxmox VE host")} asks to be managed, with root rights, by this server:</p>
              <dl><dt>Host</dt><dd>{host}</dd>
              <dt>{(IsMachine(asked) ? "Machine" : "Node")}</dt><dd>{Pages.Encode(asked.GetClaim(Policies.NodeClaim))}</dd>
              {(IsMachine(asked) ? string.Empty : $"<dt>Cluster</dt><dd>{Pages.Encode(asked.GetClaim(Registration.ClusterName))}</dd>")}</dl>
              <p>Approve it only if you have just started <code>nannyagent register</code> there and it shows this code. It takes an administrator.</p>
              """
            : $"""
              <p>A command line asks to sign in <strong>as you</strong>, and to do all that you may do:</p>
              <dl><dt>It says it runs on</dt><dd>{host}</dd></dl>
              <p>Approve it only if you have just started <code>nannyctl login</code> there and it shows this code. Somebody who sent you here with a code wants your rights.</p>
              """;
    }

    private static IResult Html(string body, HttpStatusCode status) => Pages.Html("Approve a host or a command line", body, status);
}
