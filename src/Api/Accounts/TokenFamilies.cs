using OpenIddict.Abstractions;
using OpenIddict.Server;
using static OpenIddict.Abstractions.OpenIddictConstants;
using static OpenIddict.Server.OpenIddictServerEvents;
using static OpenIddict.Server.OpenIddictServerHandlers;

namespace NannyOrleans.Api.Accounts;

/// <summary>
/// People's refresh tokens are good once; one that comes again was stolen, before or after, and ends the sign-in it came of (RFC 9700,
/// section 4.14.2). Agents' are good until their node is registered anew: OpenIddict has one switch for both, so its handlers are told apart here.
/// </summary>
internal static class TokenFamilies
{
    public static void KeepFamilies(this OpenIddictServerBuilder server)
    {
        // No second chance within some seconds: a thief's would be as good as the owner's.
        server.SetRefreshTokenReuseLeeway(null);

        // Who a token's family is SignIns says, for people. Agents' have none: everything given out for a code would be revoked when it is
        // used twice, and a second click on "Approve" would undo the first.
        server.RemoveEventHandler(AttachAuthorization.Descriptor);

        server.RemoveEventHandler(RedeemTokenEntry.Descriptor);
        server.AddEventHandler<ProcessSignInContext>(handler => handler.UseScopedHandler<Redeem>().SetOrder(RedeemTokenEntry.Descriptor.Order));
        server.AddEventHandler<ValidateTokenContext>(handler => handler.UseScopedHandler<Recognize>().SetOrder(Protection.ValidateTokenEntry.Descriptor.Order - 1));
        server.AddEventHandler<HandleRevocationRequestContext>(handler => handler.UseScopedHandler<Revoke>().SetOrder(int.MaxValue));
    }

    /// <summary>Takes what can be used once. Of two that use it at the same time OpenIddict would let both have new ones.</summary>
    private sealed class Redeem(IOpenIddictTokenManager tokens, SignIns signIns) : IOpenIddictServerHandler<ProcessSignInContext>
    {
        public async ValueTask HandleAsync(ProcessSignInContext context)
        {
            if (context.EndpointType is not OpenIddictServerEndpointType.Token || !context.Request.IsRefreshTokenGrantType())
            {
                await new RedeemTokenEntry(tokens).HandleAsync(context);
                return;
            }

            var used = context.Transaction.GetProperty<ProcessAuthenticationContext>(typeof(ProcessAuthenticationContext).FullName!)?.RefreshTokenPrincipal
                ?? throw new InvalidOperationException("A refresh token was used that nothing has read.");
            if (used.HasClaim(Policies.NodeClaim))
            {
                return;
            }

            if (used.GetTokenId() is not { } id || await tokens.FindByIdAsync(id) is not { } token || !await tokens.TryRedeemAsync(token))
            {
                await signIns.End(used.GetAuthorizationId());
                context.Reject(Errors.InvalidGrant, "The refresh token was used by somebody else at the same time. Sign in again.");
            }
        }
    }

    /// <summary>Notices what was used before, also where its row is long gone.</summary>
    private sealed class Recognize(IOpenIddictTokenManager tokens, SignIns signIns) : IOpenIddictServerHandler<ValidateTokenContext>
    {
        public async ValueTask HandleAsync(ValidateTokenContext context)
        {
            if (context.TokenId is not { Length: > 0 } id)
            {
                return;
            }

            var token = await tokens.FindByIdAsync(id);
            if (token is null || await tokens.HasStatusAsync(token, Statuses.Redeemed))
            {
                await signIns.End(context.Principal?.GetAuthorizationId());
            }

            if (token is null)
            {
                context.Reject(Errors.InvalidToken, "The token was used or revoked long ago.");
            }
        }
    }

    /// <summary>RFC 7009, section 2.1: signing a tool out ends all that it has, not the one token that it shows.</summary>
    private sealed class Revoke(SignIns signIns) : IOpenIddictServerHandler<HandleRevocationRequestContext>
    {
        public ValueTask HandleAsync(HandleRevocationRequestContext context) => new(signIns.End(context.GenericTokenPrincipal?.GetAuthorizationId()));
    }
}
