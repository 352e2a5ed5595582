using NannyOrleans.Lab.Cluster;

namespace NannyOrleans.Lab.Ha;

/// <summary>A node as HA finds it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="IsOn">Whether it has power.</param>
/// <param name="IsMember">Whether it is on, quorate, and its pmxcfs runs.</param>
/// <param name="BootId">Which boot.</param>
/// <param name="IsRestarting">Whether this boot is coming to its end by a clean reboot.</param>
public sealed record HaNode(string Name, bool IsOn, bool IsMember, string BootId, bool IsRestarting);

/// <summary>All that HA knows before a round.</summary>
/// <param name="Nodes">In the order of their ids.</param>
/// <param name="Resources">What HA manages.</param>
/// <param name="Guests">Where each guest's conf is, and whether it runs.</param>
/// <param name="Commands">What the CRM was asked since its last round.</param>
/// <param name="IsMasterWithoutServices">Whether a CRM becomes active for a command alone: since ha-manager 4.0.6.</param>
/// <param name="Now">Unix seconds.</param>
public sealed record HaWorld(
    IReadOnlyList<HaNode> Nodes, IReadOnlyList<HaResource> Resources, IReadOnlyDictionary<int, (string Node, bool IsRunning)> Guests,
    IReadOnlyList<string> Commands, bool IsMasterWithoutServices, long Now)
{
    /// <summary>The nodes that take part.</summary>
    public IEnumerable<HaNode> Members => Nodes.Where(n => n.IsMember);

    /// <summary>Whether a node takes part.</summary>
    public bool IsMember(string node) => Members.Any(n => n.Name == node);
}

/// <summary>The CRM's file and each node's LRM's.</summary>
public sealed record HaStatus(ManagerStatus? Manager, IReadOnlyDictionary<string, LrmStatus> Lrms)
{
    /// <summary>A node's LRM.</summary>
    public LrmStatus Lrm(string node) => Lrms.GetValueOrDefault(node, LrmStatus.Idle);
}

/// <summary>What an LRM or the CRM wants done.</summary>
/// <param name="Kind"><c>start</c>, <c>stop</c>, <c>move</c>, <c>recover</c> or <c>fence</c>.</param>
/// <param name="Node">Where it is done; for <c>fence</c> which.</param>
/// <param name="Sid">The service; empty for <c>fence</c>.</param>
/// <param name="Target">Where it goes.</param>
public sealed record HaEffect(string Kind, string Node, string Sid = "", string Target = "");
