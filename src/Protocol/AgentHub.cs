namespace NannyOrleans.Protocol;

/// <summary>
/// The names both ends of the agent's SignalR connection use. The agent calls <see cref="ReportInventory"/> and
/// <see cref="ReportJob"/>, each answered only after the server has stored what was said; the server calls <see cref="RunJob"/>,
/// which has no answer of its own: the answer is a <see cref="ReportJob"/>.
/// </summary>
public static class AgentHub
{
    /// <summary>Where the hub is, below the server's URL.</summary>
    public const string Path = "/hubs/agent";

    /// <summary>Agent to server, one <see cref="Inventories.Inventory"/>: after every connect and then each discovery interval.</summary>
    public const string ReportInventory = "ReportInventory";

    /// <summary>Agent to server, one <see cref="Jobs.JobReport"/>.</summary>
    public const string ReportJob = "ReportJob";

    /// <summary>Server to agent, one <see cref="Jobs.Job"/>. May come more than once.</summary>
    public const string RunJob = "RunJob";
}
