using System.Security.Claims;
using Microsoft.AspNetCore.Authorization;
using NannyOrleans.Domain.Access;
using NannyOrleans.Silo.Telemetry;
using OpenIddict.Abstractions;

namespace NannyOrleans.Api.Accounts;

/// <summary>A person with a permission.</summary>
/// <param name="Permission">The permission.</param>
/// <param name="Everywhere">Whether it must reach everywhere; else on one cluster at least, and on which the endpoint looks with its <see cref="Requester"/>.</param>
/// <param name="OrScrapeToken">Whether who shows the scrape token need be nobody.</param>
internal sealed record PermissionRequirement(Powers Permission, bool Everywhere = false, bool OrScrapeToken = false) : IAuthorizationRequirement;

/// <summary>Lets people in where what was granted to them, and the token they show, reach.</summary>
internal sealed class PermissionHandler(PersonAccess people) : AuthorizationHandler<PermissionRequirement>
{
    /// <inheritdoc/>
    protected override async Task HandleRequirementAsync(AuthorizationHandlerContext context, PermissionRequirement requirement)
    {
        var http = context.Resource as HttpContext;
        if (requirement.OrScrapeToken && http?.RequestServices.GetRequiredService<ScrapeToken>().IsShownBy(http) is true)
        {
            context.Succeed(requirement);
            return;
        }

        if (await RequesterOf(context.User) is not { } requester
            || !(requirement.Everywhere ? requester.Rights.Everywhere : requester.Rights.Anywhere).HasFlag(requirement.Permission))
        {
            return;
        }

        // An endpoint may need several, its group's among them.
        http?.Features.Set(requester with { Needed = requirement.Permission | (http.Features.Get<Requester>()?.Needed ?? Powers.None) });
        context.Succeed(requirement);
    }

    private async Task<Requester?> RequesterOf(ClaimsPrincipal user)
    {
        // An agent's token has a subject too, which is no account.
        var scope = ScopeOf(user);
        if (scope is Powers.None || user.HasClaim(Policies.NodeClaim) || user.GetClaim(OpenIddictConstants.Claims.Subject) is not { } id)
        {
            return null;
        }

        return await people.Of(id) is { } standing ? new(id, standing.Name, new(standing.Grants, scope), Powers.None) : null;
    }

    /// <summary>What the token shown is good for at most.</summary>
    private static Powers ScopeOf(ClaimsPrincipal user) => user.HasScope(TokenSetup.ApiScope)
        ? Powers.All
        : TokenSetup.Scopes.Where(scope => user.HasScope(scope.Key)).Aggregate(Powers.None, (sum, scope) => sum | scope.Value);
}
