using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;

namespace NannyOrleans.Api.Audit;

/// <summary>Writes down who was turned away at an endpoint: with a token that is none, or with one that is not good for it. Who shows nothing is nobody.</summary>
internal sealed class AuditedRefusals(Refusals refusals) : IAuthorizationMiddlewareResultHandler
{
    private readonly AuthorizationMiddlewareResultHandler usual = new();

    /// <inheritdoc/>
    public async Task HandleAsync(RequestDelegate next, HttpContext context, AuthorizationPolicy policy, PolicyAuthorizationResult authorizeResult)
    {
        if (authorizeResult.Forbidden || (authorizeResult.Challenged && context.Request.Headers.Authorization.Count > 0))
        {
            // By the route's pattern: an address that a stranger makes up would be a kind of its own each time.
            var target = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? "no endpoint";
            await refusals.Note(
                new(Audited.Actor(context.User), Audited.Action(context.GetEndpoint()), target, Audited.Address(context), authorizeResult.Forbidden ? "forbidden" : "unauthorized"),
                $"{context.Request.Method} {context.Request.Path}");
        }

        await usual.HandleAsync(next, context, policy, authorizeResult);
    }
}
