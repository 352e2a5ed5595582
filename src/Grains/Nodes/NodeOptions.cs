using NannyOrleans.Domain.Nodes;

namespace NannyOrleans.Grains.Nodes;

/// <summary>How nodes are worked on.</summary>
public sealed class NodeOptions
{
    /// <summary>Guest jobs side by side on one host, 1 to 64.</summary>
    public int GuestJobsAtOnce { get; set; } = NodeMachine.GuestJobsAtOnce;
}
