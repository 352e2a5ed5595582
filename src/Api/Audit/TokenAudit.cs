using System.Security.Claims;
using Microsoft.AspNetCore;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Grains.History;
using OpenIddict.Abstractions;
using OpenIddict.Server;
using static OpenIddict.Abstractions.OpenIddictConstants;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace NannyOrleans.Api.Audit;

/// <summary>Writes down what the OAuth server gives to agents and what it refuses to anybody. That people sign in, <see cref="Accounts.SignIns"/> writes down, whatever way they do.</summary>
internal static class TokenAudit
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

                OpenIddictServerEndpointType.EndUserVerification => new(
                    now, $"person {principal.GetClaim(ApprovedBy)}", "approve-sign-in", principal.GetClaim(Protocol.Registration.Hostname) ?? "unknown", "done", null),

                // Each agent renews its tokens each hour: what would be news in that is that it may not.
                OpenIddictServerEndpointType.Token when node is not null && context.Request?.IsRefreshTokenGrantType() is not true =>
                    new(now, Audited.Actor(principal), "get-token", node, "done", $"by {context.Request?.GrantType}, approved by {principal.GetClaim(ApprovedBy) ?? "nobody known"}"),
                _ => null,
            };
        }
    }

    /// <summary>A token is refused.</summary>
    internal sealed class Denied(Refusals refusals) : IOpenIddictServerHandler<ApplyTokenResponseContext>
    {
        /// <inheritdoc/>
        public async ValueTask HandleAsync(ApplyTokenResponseContext context)
        {
            // An agent that waits for its approval asks each few seconds. Of passwords the check of passwords speaks.
            if (context.Error is null or Errors.AuthorizationPending or Errors.SlowDown or Errors.ExpiredToken || context.Request?.IsPasswordGrantType() is true)
            {
                return;
            }

            await refusals.Note(
                new(AuditEntry.Nobody, "get-token", Registration(context), Audited.Address(context.Transaction.GetHttpRequest()?.HttpContext), context.Error.Replace('_', '-')),
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

    /// <summary>Claim of an agent's approval: the person.</summary>
    public const string ApprovedBy = "approved_by";
}
