using System.Security.Claims;
using Microsoft.AspNetCore.Authorization;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Silo.Telemetry;
using OpenIddict.Abstractions;

namespace NannyOrleans.Api.Accounts;

/// <summary>Who may do what. Whatever names no policy is for administrators: forgetting one closes a door.</summary>
internal static class Policies
{
    /// <summary>The role, and the policy of people who have it.</summary>
    public const string Administrator = "administrator";

    /// <summary>The policy of host agents.</summary>
    public const string Agent = "agent";

    /// <summary>The policy of who reads the metrics: administrators, and who shows the scrape token.</summary>
    public const string Metrics = "metrics";

    /// <summary>Claim of an agent's token: its <see cref="NodeKey"/>.</summary>
    public const string NodeClaim = "nanny_node";

    public static void AddPolicies(this IServiceCollection services)
    {
        var administrator = Of(policy => policy.RequireRole(Administrator).RequireAssertion(context => context.User.HasScope(TokenSetup.ApiScope)));
        services.AddAuthorizationBuilder()
            .AddPolicy(Administrator, administrator)
            .AddPolicy(Metrics, new AuthorizationPolicyBuilder(TokenMemory.SchemeName).RequireAssertion(context =>
                (context.User.IsInRole(Administrator) && context.User.HasScope(TokenSetup.ApiScope))
                || (context.Resource is HttpContext request && request.RequestServices.GetRequiredService<ScrapeToken>().IsShownBy(request))).Build())
            .AddPolicy(Agent, Of(policy => policy.RequireClaim(NodeClaim).RequireAssertion(context => context.User.HasScope(Registration.AgentScope))))
            .SetDefaultPolicy(administrator)
            .SetFallbackPolicy(administrator);
    }

    /// <summary>The node an agent's token is for. A name in a message would let one agent speak for another.</summary>
    public static NodeKey NodeKey(this ClaimsPrincipal agent) => Domain.Nodes.NodeKey.Parse(agent.GetClaim(NodeClaim)!);

    /// <summary>The agent a token was given to.</summary>
    public static AgentId AgentId(this ClaimsPrincipal agent) => Protocol.Ids.AgentId.Parse(agent.GetClaim(OpenIddictConstants.Claims.Subject)!);

    private static AuthorizationPolicy Of(Action<AuthorizationPolicyBuilder> rules)
    {
        var policy = new AuthorizationPolicyBuilder(TokenMemory.SchemeName).RequireAuthenticatedUser();
        rules(policy);
        return policy.Build();
    }
}
