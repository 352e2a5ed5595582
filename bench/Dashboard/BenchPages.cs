namespace NannyOrleans.Bench.Dashboard;

/// <summary>The pages that are measured, and what of an agent's report they show.</summary>
internal static class BenchPages
{
    /// <summary>The one that people leave open: the whole fleet.</summary>
    public const string Fleet = "/";

    /// <summary>The one that lists all guests there are.</summary>
    public const string Guests = "/guests";

    /// <summary>The one that shows the names of a host's guests.</summary>
    public static string Node(Fleet.GeneratedAgent agent) => $"/nodes/{agent.Cluster}/{agent.Node}";
}
