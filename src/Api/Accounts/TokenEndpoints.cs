using System.Security.Claims;
using Microsoft.AspNetCore;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Identity;
using NannyOrleans.Api.Http;
using NannyOrleans.Grains.Clusters;
using NannyOrleans.Grains.Fleet;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Grains.Scripts;
using NannyOrleans.Protocol;
using OpenIddict.Abstractions;
using OpenIddict.Server.AspNetCore;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace NannyOrleans.Api.Accounts;

/// <summary>Turns a password, an approved device code or a refresh token into an access token.</summary>
internal static class TokenEndpoints
{
    private const string Scheme = OpenIddictServerAspNetCoreDefaults.AuthenticationScheme;

    /// <summary>Parameter of the password grant beside the password: the second factor's code.</summary>
    private const string TotpParameter = "totp";

    /// <summary>Or instead of the code, one of the recovery codes.</summary>
    private const string RecoveryParameter = "recovery_code";

    /// <summary>Error of the password grant: the password is right and not enough.</summary>
    private const string SecondFactorRequired = "second_factor_required";

    public static void MapTokens(this IEndpointRouteBuilder routes) =>
        routes.MapPost(Registration.TokenEndpoint, Exchange).AllowAnonymous().ExcludeFromDescription();

    /// <summary>Turns away who guesses at passwords before OpenIddict looks at the request, which takes ten times as long.</summary>
    public static void UseSignInGate(this IApplicationBuilder app) => app.UseWhen(
        http => HttpMethods.IsPost(http.Request.Method) && http.Request.HasFormContentType && http.Request.Path.StartsWithSegments(Registration.TokenEndpoint, StringComparison.OrdinalIgnoreCase),
        token => token.Use(async (http, next) =>
        {
            // OpenIddict finds what was read here.
            var form = await http.Request.ReadFormAsync(http.RequestAborted);
            if (form["grant_type"] == GrantTypes.Password && await http.RequestServices.GetRequiredService<SignInGate>().Foresee(form["username"]) is { } wait)
            {
                await Problems.TooMany(http, SignInGate.Closed(wait)).ExecuteAsync(http);
                return;
            }

            await next(http);
        }));

    internal static async Task<IResult> Exchange(HttpContext http, PasswordCheck passwords, SignIns signIns, UserManager<Person> people, IGrainFactory grains, ScriptKeys keys)
    {
        var request = http.GetOpenIddictServerRequest() ?? throw new InvalidOperationException("The token endpoint was reached without OpenIddict.");
        if (request.IsPasswordGrantType())
        {
            return await SignIn(request, passwords, signIns);
        }

        // OpenIddict has checked the code or token itself; what is in it is what was put there when it was approved.
        var ticket = await http.AuthenticateAsync(Scheme);
        if (ticket.Principal is not { } principal)
        {
            return Refuse("The code or token is not valid any more.");
        }

        return principal.HasClaim(Policies.NodeClaim)
            ? await GiveAgent(request, principal, grains, keys)
            : await Renew(request, principal, signIns, people);
    }

    private static async Task<IResult> SignIn(OpenIddictRequest request, PasswordCheck passwords, SignIns signIns)
    {
        var answer = await passwords.Check(new(request.Username, request.Password, (string?)request[TotpParameter], (string?)request[RecoveryParameter]));
        return answer.Person is { } person
            ? GivePerson(await signIns.Begin(person, request.GetScopes()))
            : Refuse(answer.Words, answer.Code is PasswordAnswer.SecondFactorRequired ? SecondFactorRequired : Errors.InvalidGrant);
    }

    private static async Task<IResult> Renew(OpenIddictRequest request, ClaimsPrincipal old, SignIns signIns, UserManager<Person> people)
    {
        if (await people.FindByIdAsync(old.GetClaim(Claims.Subject) ?? string.Empty) is not { } person || PersonAccess.IsDisabled(person))
        {
            return Refuse("The account may not sign in any more.");
        }

        if (old.GetClaim(SignIns.StampClaim) != person.SecurityStamp)
        {
            return Refuse("The account's password or second factor has changed since. Sign in again.");
        }

        if (request.IsDeviceCodeGrantType())
        {
            return GivePerson(await signIns.Begin(person, old.GetScopes()));
        }

        if (old.GetAuthorizationId() is null)
        {
            return Refuse("It came of no sign-in that is known. Sign in again.");
        }

        var principal = SignIns.PrincipalOf(person);
        principal.SetScopes(old.GetScopes());
        return GivePerson(principal);
    }

    private static async Task<IResult> GiveAgent(OpenIddictRequest request, ClaimsPrincipal principal, IGrainFactory grains, ScriptKeys keys)
    {
        var (agent, key) = (principal.AgentId(), principal.NodeKey());
        var node = grains.GetGrain<INodeGrain>(key.ToString());
        if (request.IsDeviceCodeGrantType())
        {
            // Stored before the token is out: an agent that has one is known. From the outside in, so that whoever finds the node finds
            // its cluster too.
            if (!key.Cluster.IsMachine && await grains.GetGrain<IClusterGrain>(key.Cluster.Value).ProveMembership(
                    new(key.Node, request.DeviceCode!, (string?)request[Membership.ProofParameter], (string?)request[Membership.KeyParameter])) is { } unproven)
            {
                return Refuse(unproven.Message, unproven.Code);
            }

            var enrolment = new Domain.Nodes.Enrolment(agent, principal.GetClaim(Registration.Hostname)!, principal.GetClaim(Registration.ClusterName)!);
            await grains.GetGrain<IFleetGrain>(0).Add(key.Cluster);
            await grains.GetGrain<IClusterGrain>(key.Cluster.Value).Enrol(key.Node, enrolment);
            await node.Enrol(enrolment);
        }
        else if (!await node.IsAgent(agent))
        {
            return Refuse("This agent is not registered for its node any more: it was revoked, or another one was approved.");
        }

        var answer = new AuthenticationProperties();
        answer.SetParameter<object?>(Registration.AgentId, agent.Value);
        if (request.IsDeviceCodeGrantType())
        {
            // With a person's approval alone: keys that came with each renewal would be no pins.
            answer.SetParameter<object?>(Registration.CatalogueKey, keys.CatalogueKey);
            answer.SetParameter<object?>(Registration.CustomKey, keys.CustomKey);
        }

        return Give(principal, answer);
    }

    private static IResult GivePerson(ClaimsPrincipal principal) => Give(principal.SetRefreshTokenLifetime(TokenSetup.SignedInFor));

    private static IResult Give(ClaimsPrincipal principal, AuthenticationProperties? answer = null)
    {
        principal.SetDestinations(_ => [Destinations.AccessToken]);
        return Results.SignIn(principal, answer, Scheme);
    }

    private static IResult Refuse(string why, string error = Errors.InvalidGrant) => Results.Forbid(
        new(new Dictionary<string, string?>
        {
            [OpenIddictServerAspNetCoreConstants.Properties.Error] = error,
            [OpenIddictServerAspNetCoreConstants.Properties.ErrorDescription] = why,
        }),
        [Scheme]);
}
