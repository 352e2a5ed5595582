namespace NannyOrleans.Protocol;

/// <summary>
/// The names both ends of the agent's SignalR connection use. The agent calls <see cref="ReportInventory"/> and
/// <see cref="ReportJob"/>, each answered only after the server has stored what was said, and sends <see cref="ReportMetrics"/> and
/// <see cref="ReportOutput"/>; the server sends <see cref="RunJob"/>, <see cref="CancelJob"/> and <see cref="Discover"/>, which have no
/// answer of their own: it is the next report.
/// </summary>
public static class AgentHub
{
    /// <summary>Where the hub is, below the server's URL.</summary>
    public const string Path = "/hubs/agent";

    /// <summary>
    /// Agent to server, one <see cref="Inventories.Inventory"/>, answered with an <see cref="Inventories.InventoryAnswer"/>: a whole one after
    /// every connect, then each discovery interval what has changed.
    /// </summary>
    public const string ReportInventory = "ReportInventory";

    /// <summary>Agent to server, one <see cref="Metrics.NodeMetrics"/> each metrics interval. Nobody waits for an answer.</summary>
    public const string ReportMetrics = "ReportMetrics";

    /// <summary>Agent to server, one <see cref="Jobs.JobReport"/>.</summary>
    public const string ReportJob = "ReportJob";

    /// <summary>Server to agent, one <see cref="Jobs.Job"/>. May come more than once.</summary>
    public const string RunJob = "RunJob";

    /// <summary>Agent to server, one <see cref="Jobs.JobOutput"/> now and then while a job runs. Nobody waits for an answer.</summary>
    public const string ReportOutput = "ReportOutput";

    /// <summary>Server to agent, one <see cref="Jobs.CancelJob"/>. May come more than once, and after the job's end.</summary>
    public const string CancelJob = "CancelJob";

    /// <summary>Server to agent, one <see cref="Inventories.Discover"/>: a whole inventory at once. A lost one is asked again by the person.</summary>
    public const string Discover = "Discover";
}
