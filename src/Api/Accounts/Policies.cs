using System.Security.Claims;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Infrastructure;
using NannyOrleans.Domain.Access;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Ids;
using OpenIddict.Abstractions;

namespace NannyOrleans.Api.Accounts;

/// <summary>Who may do what. Whatever names no permission is for administrators: forgetting one closes a door.</summary>
internal static class Policies
{
    /// <summary>The policy of host agents.</summary>
    public const string Agent = "agent";

    /// <summary>The policy of people, whatever their token is good for.</summary>
    public const string Person = "person";

    /// <summary>The policy of people who have signed in themselves: what is theirs alone, no token that is good for less can do.</summary>
    public const string SignedIn = "signed-in";

    /// <summary>The policy of the dashboard's pages: who has signed in with the browser. What a page shows, the API decides.</summary>
    public const string Dashboard = "dashboard";

    /// <summary>The policy of who reads the metrics: administrators, and who shows the scrape token.</summary>
    public const string Metrics = "metrics";

    /// <summary>Claim of an agent's token: its <see cref="NodeKey"/>.</summary>
    public const string NodeClaim = "nanny_node";

    public static void AddPolicies(this IServiceCollection services)
    {
        var administrator = Of(new PermissionRequirement(Powers.Administer, Everywhere: true));
        services.AddSingleton<IAuthorizationHandler, PermissionHandler>();
        services.AddAuthorizationBuilder()
            .AddPolicy(Metrics, new AuthorizationPolicyBuilder(TokenMemory.SchemeName).AddRequirements(new PermissionRequirement(Powers.Administer, Everywhere: true, OrScrapeToken: true)).Build())
            .AddPolicy(Person, Of(new AssertionRequirement(context => IsPerson(context.User))))
            .AddPolicy(SignedIn, Of(new AssertionRequirement(context => IsPerson(context.User) && context.User.HasScope(TokenSetup.ApiScope))))
            .AddPolicy(Dashboard, new AuthorizationPolicyBuilder(SessionCookie.SchemeName).RequireAuthenticatedUser().Build())
            .AddPolicy(Agent, Of(new ClaimsAuthorizationRequirement(NodeClaim, null), new AssertionRequirement(context => context.User.HasScope(Registration.AgentScope))))
            .SetDefaultPolicy(administrator)
            .SetFallbackPolicy(administrator);
    }

    /// <summary>Lets in people with a permission, on one cluster at least. On which, the endpoint looks with its <see cref="Requester"/>.</summary>
    public static TBuilder Needs<TBuilder>(this TBuilder endpoint, Powers permission)
        where TBuilder : IEndpointConventionBuilder => endpoint.RequireAuthorization(Of(new PermissionRequirement(permission)));

    /// <summary>The node an agent's token is for. A name in a message would let one agent speak for another.</summary>
    public static NodeKey NodeKey(this ClaimsPrincipal agent) => Domain.Nodes.NodeKey.Parse(agent.GetClaim(NodeClaim)!);

    /// <summary>The agent a token was given to.</summary>
    public static AgentId AgentId(this ClaimsPrincipal agent) => Protocol.Ids.AgentId.Parse(agent.GetClaim(OpenIddictConstants.Claims.Subject)!);

    private static bool IsPerson(ClaimsPrincipal caller) => caller.FindFirst(NodeClaim) is null && caller.GetClaim(OpenIddictConstants.Claims.Subject) is not null;

    private static AuthorizationPolicy Of(params IAuthorizationRequirement[] requirements) =>
        new AuthorizationPolicyBuilder(TokenMemory.SchemeName).RequireAuthenticatedUser().AddRequirements(requirements).Build();
}
