using System.Security.Claims;
using Microsoft.AspNetCore;
using Microsoft.AspNetCore.Identity;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Grains.History;
using OpenIddict.Abstractions;
using OpenIddict.Server;
using static OpenIddict.Abstractions.OpenIddictConstants;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace NannyOrleans.Api.Audit;

/// <summary>Writes down what the OAuth server gives out and what it refuses, wherever in it that is decided.</summary>
internal static class SignIns
{
    /// <summary>Has them written down.</summary>
    public static void AddAudit(this OpenIddictServerBuilder server)
    {
        // As soon as it is decided, and before anything is made: what can't be written down is not given out.
        server.AddEventHandler<ProcessSignInContext>(handler => handler.UseScopedHandler<Given>().SetOrder(OpenIddictServerHandlers.ValidateSignInDemand.Descriptor.Order + 1));
        server.AddEventHandler<ApplyTokenResponseContext>(handler => handler.UseScopedHandler<Denied>().SetOrder(int.MinValue));
    }

    /// <summary>Something is given out: a token to a person or an agent, or the approval of an agent.</summary>
    internal sealed class Given(IGrainFactory grains, TimeProvider clock) : IOpenIddictServerHandler<ProcessSignInContext>
    {
        /// <inheritdoc/>
        public async ValueTask HandleAsync(ProcessSignInContext context)
        {
            if (context.Principal is { } principal && Entry(context, principal) is { } entry)
            {
                await grains.GetGrain<IHistoryGrain>(0).AddAudit(entry with { Address = Audited.Address(context.Transaction.GetHttpRequest()?.HttpContext), Cluster = Audited.ClusterOf(entry.Target) });
            }
        }

        private AuditEntry? Entry(ProcessSignInContext context, ClaimsPrincipal principal)
        {
            var (now, node) = (clock.GetUtcNow(), principal.GetClaim(Policies.NodeClaim));
            return context.EndpointType switch
            {
                OpenIddictServerEndpointType.EndUserVerification when node is not null => new(
                    now, $"person {principal.GetClaim(ApprovedBy)}", "approve-agent", node, "done", $"agent {principal.GetClaim(Claims.Subject)}"),

                // Each agent renews its tokens each hour: what would be news in that is that it may not.
                OpenIddictServerEndpointType.Token when context.Request?.IsRefreshTokenGrantType() is not true => node is null
                    ? new(now, Audited.Actor(principal), "sign-in", Audited.Actor(principal), "done", $"by {context.Request?.GrantType} for {context.Request?.ClientId ?? "no client"}, scopes {string.Join(' ', principal.GetScopes())}")
                    : new(now, Audited.Actor(principal), "get-token", node, "done", $"by {context.Request?.GrantType}, approved by {principal.GetClaim(ApprovedBy) ?? "nobody known"}"),
                _ => null,
            };
        }
    }

    /// <summary>A token is refused.</summary>
    internal sealed class Denied(Refusals refusals, UserManager<Person> people) : IOpenIddictServerHandler<ApplyTokenResponseContext>
    {
        /// <inheritdoc/>
        public async ValueTask HandleAsync(ApplyTokenResponseContext context)
        {
            // An agent that waits for its approval asks each few seconds.
            if (context.Error is null or Errors.AuthorizationPending or Errors.SlowDown or Errors.ExpiredToken)
            {
                return;
            }

            var isPassword = context.Request?.IsPasswordGrantType() is true;
            await refusals.Note(
                new(AuditEntry.Nobody, isPassword ? "sign-in" : "get-token", isPassword ? await Account(people, context.Request!.Username) : Registration(context), Audited.Address(context.Transaction.GetHttpRequest()?.HttpContext), context.Error.Replace('_', '-')),
                context.Response?.ErrorDescription);
        }

        private static string Registration(ApplyTokenResponseContext context) => context.Request?.GrantType switch
        {
            GrantTypes.RefreshToken => "refresh token",
            GrantTypes.DeviceCode => "device code",
            GrantTypes.AuthorizationCode => "authorization code",
            _ => "token",
        };
    }

    /// <summary>The account of a name. Of a name that is none it is not said which: passwords are typed there too.</summary>
    public static async Task<string> Account(UserManager<Person> people, string? name) =>
        name is { Length: > 0 } && await people.FindByNameAsync(name) is { } person ? $"person {person.UserName}" : "unknown account";

    /// <summary>Claim of an agent's approval: the person.</summary>
    public const string ApprovedBy = "approved_by";
}
