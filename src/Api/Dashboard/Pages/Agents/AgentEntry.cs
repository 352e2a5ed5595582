namespace NannyOrleans.Api.Dashboard.Pages.Agents;

/// <summary>What the page shows of a row of <c>/api/agents</c>.</summary>
internal sealed record AgentEntry(
    string Id,
    string? Hostname,
    string ProxmoxRole,
    string? ProxmoxCluster,
    string? ProxmoxNodeName,
    string Status,
    DateTimeOffset? LastSeen,
    string? AgentVersion,
    string? Os,
    IReadOnlyList<string>? Problems);
