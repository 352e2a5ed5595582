using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Targets;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Domain.Agents;

/// <summary>
/// A host, guest or machine as the guide's <c>/api/agents</c> lists them, side by side. Fields that do not apply to one kind are absent;
/// one that applies and is not known is null.
/// </summary>
public abstract record AgentRow
{
    /// <summary>The id that always works: a guest's, or the agent's of a host or machine.</summary>
    [JsonPropertyOrder(-20)]
    public required string Id { get; init; }

    /// <summary><c>linux</c>, <c>windows</c> or <c>unknown</c>.</summary>
    [JsonPropertyOrder(-18)]
    public required string OsType { get; init; }

    /// <summary>The family it is taken for; null when none is known.</summary>
    [JsonPropertyOrder(-17)]
    public string? PlatformFamily { get; init; }

    /// <summary><c>host</c>, <c>guest</c>, <c>vm</c> (an agent inside a known VM) or <c>standalone</c>.</summary>
    [JsonPropertyOrder(-16)]
    public required string ProxmoxRole { get; init; }

    /// <summary>The cluster's name; null for a machine that is in none.</summary>
    [JsonPropertyOrder(-15)]
    public string? ProxmoxCluster { get; init; }

    /// <summary>Hosts and machines: <c>online</c>, <c>offline</c>, <c>maintenance</c>. Guests: <c>running</c>, <c>stopped</c>, <c>paused</c>, <c>unknown</c>, <c>deleted</c>.</summary>
    [JsonPropertyOrder(-14)]
    public required string Status { get; init; }

    /// <summary>When it was last reported; null when never.</summary>
    [JsonPropertyOrder(-13)]
    public DateTimeOffset? LastSeen { get; init; }

    /// <summary>The node it is, or is on; null for a machine that is on none.</summary>
    [JsonPropertyOrder(-12)]
    public string? ProxmoxNodeName { get; init; }

    /// <summary>The address to show; null when not known.</summary>
    public string? IpAddress { get; init; }

    /// <summary>All addresses; null when not known.</summary>
    public IReadOnlyList<string>? IpAddresses { get; init; }

    /// <summary>Hardware addresses; null when not known.</summary>
    public IReadOnlyList<string>? MacAddresses { get; init; }

    /// <summary>The distribution for a person; null when not known.</summary>
    public string? Os { get; init; }

    /// <summary>The distribution's version, such as <c>12</c>; null when not known.</summary>
    public string? OsVersion { get; init; }

    /// <summary>Processors; null when not known.</summary>
    public int? Cores { get; init; }

    /// <summary>Processor time used, percent of its cores; null when not measured lately.</summary>
    public double? CpuPercent { get; init; }

    /// <summary>Memory, bytes; null when not known.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>Memory used, bytes; null when not measured lately.</summary>
    public long? MemoryUsedBytes { get; init; }

    /// <summary>Swap, bytes; null when not known.</summary>
    public long? SwapBytes { get; init; }

    /// <summary>Swap used, bytes; null when not measured lately.</summary>
    public long? SwapUsedBytes { get; init; }

    /// <summary>Disk space, bytes: a guest's configured disks, a host's root file system; null when not known.</summary>
    public long? DiskBytes { get; init; }

    /// <summary>Disk space used, bytes; null when not measured lately.</summary>
    public long? DiskUsedBytes { get; init; }

    /// <summary>Bytes a second received; null when not measured lately.</summary>
    public double? NetworkInPerSecond { get; init; }

    /// <summary>Bytes a second sent; null when not measured lately.</summary>
    public double? NetworkOutPerSecond { get; init; }

    /// <summary>Seconds since it was started; null when it does not run, or not known.</summary>
    public long? UptimeSeconds { get; init; }

    /// <summary>Updates pending; null when nobody could tell, which is never zero.</summary>
    public int? PendingUpdates { get; init; }

    /// <summary>Whether a restart is needed; null when not known.</summary>
    public bool? RebootRequired { get; init; }

    /// <summary>The SMBIOS uuid of a VM or machine; null when there is none.</summary>
    public string? SmbiosUuid { get; init; }

    /// <summary>Tags, Proxmox's and a person's.</summary>
    public IReadOnlyList<string> Tags { get; init; } = [];

    /// <summary>A person's notes; null without any.</summary>
    public string? Notes { get; init; }

    /// <summary>
    /// Lets rows of unlike kinds travel in one list between processes: a modifier of a JSON contract. Not an attribute, because people are
    /// answered without a mark of the kind.
    /// </summary>
    public static void MarkKinds(JsonTypeInfo type)
    {
        if (type.Type == typeof(AgentRow))
        {
            type.PolymorphismOptions = new()
            {
                DerivedTypes = { new(typeof(HostRow), "host"), new(typeof(GuestRow), "guest"), new(typeof(MachineRow), "machine") },
            };
        }
    }

    /// <summary>The rows of a cluster: each node that has an agent, and each guest.</summary>
    public static IEnumerable<AgentRow> Of(ClusterView cluster) => cluster.Nodes.SelectMany(node => Of(cluster.Name, node));

    /// <summary>The rows of one node: itself if it has an agent, and its guests.</summary>
    public static IEnumerable<AgentRow> Of(string clusterName, NodeView node)
    {
        if (node.Agent is { } agent)
        {
            yield return HostRow.Of(clusterName, node, agent);
        }

        foreach (var guest in node.Guests ?? [])
        {
            yield return GuestRow.Of(clusterName, node, guest);
        }
    }

    /// <summary>The row of one target; null for a node that has no agent.</summary>
    public static AgentRow? Of(Target target) => target switch
    {
        { Guest: { } guest } => GuestRow.Of(target.ClusterName, target.Node, guest),
        { Machine: { } machine } => MachineRow.Of(machine),
        { Node.Agent: { } agent } => HostRow.Of(target.ClusterName, target.Node, agent),
        _ => null,
    };

    /// <summary>The row with all that an agent's own host or machine says of itself.</summary>
    protected static T Measured<T>(T row, NodeView node)
        where T : AgentRow
    {
        AgentRow common = row;
        var (host, metrics) = (node.Host, node.Metrics);
        var root = metrics?.Mounts?.FirstOrDefault(mount => mount.Path is "/")?.Usage;
        return (T)(common with
        {
            LastSeen = node.LastSeen,
            Os = host?.Os?.PrettyName,
            OsVersion = host?.Os?.VersionId,
            IpAddress = host?.PrimaryAddress,
            IpAddresses = host?.Addresses,
            MacAddresses = host?.Macs,
            SmbiosUuid = host?.SmbiosUuid,
            Cores = metrics?.Cores ?? host?.Cores,
            CpuPercent = metrics?.CpuPercent,
            MemoryBytes = metrics?.Memory?.TotalBytes ?? host?.MemoryBytes,
            MemoryUsedBytes = metrics?.Memory?.UsedBytes,
            SwapBytes = metrics?.Swap?.TotalBytes ?? host?.SwapBytes,
            SwapUsedBytes = metrics?.Swap?.UsedBytes,
            DiskBytes = root?.TotalBytes,
            DiskUsedBytes = root?.UsedBytes,
            NetworkInPerSecond = metrics?.NetworkInPerSecond,
            NetworkOutPerSecond = metrics?.NetworkOutPerSecond,
            UptimeSeconds = metrics?.UptimeSeconds,
            PendingUpdates = host?.PendingUpdates,
            RebootRequired = host?.RebootRequired,
            Tags = node.Tags,
            Notes = node.Notes,
        });
    }

    /// <summary>A family as the guide spells it; null when none is known.</summary>
    protected static string? Spell(PlatformFamily family) => family is Guests.PlatformFamily.Unknown ? null : PlatformFamilies.Spell(family);

    /// <summary>A node's status as the guide spells it.</summary>
    protected static string Spell(NodeStatus status) => status switch
    {
        NodeStatus.Online => "online",
        NodeStatus.Maintenance => "maintenance",
        _ => "offline",
    };
}

/// <summary>A Proxmox VE host with an agent.</summary>
public sealed record HostRow : AgentRow
{
    /// <summary>The host's name.</summary>
    [JsonPropertyOrder(-19)]
    public required string Hostname { get; init; }

    /// <summary>Guests on it, deleted ones not counted; null when not known.</summary>
    [JsonPropertyOrder(-11)]
    public int? GuestCount { get; init; }

    /// <summary>Containers that run; null when not known.</summary>
    public int? RunningContainers { get; init; }

    /// <summary>Virtual machines that run; null when not known.</summary>
    public int? RunningVms { get; init; }

    /// <summary>As <c>pveversion</c> says; null when not known.</summary>
    public string? PveVersion { get; init; }

    /// <summary>The agent's version; null when not known.</summary>
    public string? AgentVersion { get; init; }

    /// <summary>The kernel that runs; null when not known.</summary>
    public string? Kernel { get; init; }

    /// <summary>The kernel that runs after a reboot; null when not known.</summary>
    public string? KernelNewest { get; init; }

    /// <summary>Load average of one minute; null when not measured lately.</summary>
    public double? Load1 { get; init; }

    /// <summary>What is wrong with its package repositories; null when not known.</summary>
    public IReadOnlyList<string>? RepositoryProblems { get; init; }

    /// <summary>What the host could not read; empty when all could be.</summary>
    public required IReadOnlyList<string> Problems { get; init; }

    internal static HostRow Of(string clusterName, NodeView node, AgentId agent)
    {
        var (host, metrics) = (node.Host, node.Metrics);
        var known = node.GuestCount is { NodesUnlisted: 0 } counted ? counted : null;
        return Measured(
            new HostRow
            {
                Id = agent.Value,
                Hostname = node.Hostname ?? node.Name.Value,
                OsType = "linux",
                PlatformFamily = "debian",
                ProxmoxRole = "host",
                ProxmoxCluster = clusterName,
                ProxmoxNodeName = node.Name.Value,
                Status = Spell(node.Status),
                GuestCount = known?.Total,
                RunningContainers = known is { Unknown: 0 } ? known.RunningCts : null, // those of which it is not known may run
                RunningVms = known is { Unknown: 0 } ? known.RunningVms : null,
                PveVersion = node.PveVersion,
                AgentVersion = node.AgentVersion,
                Kernel = host?.KernelRunning,
                KernelNewest = host?.KernelNewest,
                Load1 = metrics?.Load?.One,
                RepositoryProblems = host?.RepositoryProblems,
                Problems = node.Problems,
            },
            node);
    }
}

/// <summary>A container or virtual machine.</summary>
public sealed record GuestRow : AgentRow
{
    /// <summary>Its name.</summary>
    [JsonPropertyOrder(-19)]
    public required string Name { get; init; }

    /// <summary>Its number, as text.</summary>
    [JsonPropertyOrder(-11)]
    public required string ProxmoxVmid { get; init; }

    /// <summary><c>lxc</c> or <c>qemu</c>.</summary>
    [JsonPropertyOrder(-10)]
    public required string ProxmoxType { get; init; }

    /// <summary>The agent of the host it is on; null when that has none.</summary>
    [JsonPropertyOrder(-9)]
    public string? ProxmoxParentHost { get; init; }

    /// <summary>The agent inside a VM; null when there is none that is known.</summary>
    public string? VmAgent { get; init; }

    /// <summary>Whether a VM may be patched through its QEMU guest agent; null for a container.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? AgentlessVm { get; init; }

    /// <summary>What speaks against that; there only where it is allowed.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? AgentlessVmWarning => AgentlessVm is true ? GuestMachine.AgentlessVmWarning : null;

    /// <summary>Proxmox's lock on it; null when there is none.</summary>
    public string? Lock { get; init; }

    /// <summary>Whether it is a template.</summary>
    public required bool Template { get; init; }

    /// <summary>Whether a container is unprivileged; null for a VM, or not known.</summary>
    public bool? Unprivileged { get; init; }

    /// <summary>Whether it starts with its host; null when not known.</summary>
    public bool? Onboot { get; init; }

    /// <summary>Whether HA manages it; null when not known.</summary>
    public bool? HaManaged { get; init; }

    /// <summary>What HA says of it; null when nothing.</summary>
    public string? HaState { get; init; }

    /// <summary>Its disks and mount points; null when not known.</summary>
    public IReadOnlyList<GuestDisk>? Disks { get; init; }

    /// <summary>When its updates were last looked at; null when never.</summary>
    public DateTimeOffset? UpdatesAt { get; init; }

    /// <summary>Whether the family is a person's word.</summary>
    public bool PlatformFamilyOverridden { get; init; }

    /// <summary>When it was found deleted; null while it is not.</summary>
    public DateTimeOffset? DeletedAt { get; init; }

    /// <summary>Why something is unknown; null when nothing is.</summary>
    public string? Problem { get; init; }

    internal static GuestRow Of(string clusterName, NodeView node, GuestView guest)
    {
        var (seen, metrics) = (guest.Seen, guest.Metrics);
        return new()
        {
            Id = guest.Id,
            Name = guest.Name,
            OsType = guest.Type is GuestType.Lxc || guest.PlatformFamily is not Guests.PlatformFamily.Unknown || seen.OsType is "l24" or "l26" ? "linux"
                : seen.OsType is ['w', ..] ? "windows"
                : "unknown",
            PlatformFamily = Spell(guest.PlatformFamily),
            ProxmoxRole = "guest",
            ProxmoxCluster = clusterName,
            ProxmoxNodeName = node.Name.Value,
            ProxmoxVmid = guest.Vmid.ToString(),
            ProxmoxType = TopologyView.Spell(guest.Type),
            ProxmoxParentHost = node.Agent?.Value,
            VmAgent = guest.Agent?.Value,
            AgentlessVm = guest.Type is GuestType.Qemu ? guest.AgentlessVm : null,
            Status = guest.DeletedAt is not null ? "deleted" : guest.Status.ToString().ToLowerInvariant(),
            LastSeen = guest.LastSeen,
            IpAddress = guest.IpAddress,
            IpAddresses = seen.Addresses,
            MacAddresses = seen.Networks is null ? null : [.. seen.Networks.Select(network => network.Mac).OfType<string>()],
            Os = guest.Os,
            OsVersion = seen.Os?.VersionId,
            Cores = seen.Cores,
            CpuPercent = metrics?.CpuCores is { } used && seen.Cores is > 0 and var cores ? Math.Round(100 * used / cores, 2) : null,
            MemoryBytes = seen.MemoryBytes,
            MemoryUsedBytes = metrics?.Memory?.UsedBytes,
            SwapBytes = seen.SwapBytes,
            SwapUsedBytes = metrics?.Swap?.UsedBytes,
            DiskBytes = Totals.DiskBytes(seen),
            DiskUsedBytes = metrics?.Disk?.UsedBytes,
            NetworkInPerSecond = metrics?.NetworkInPerSecond,
            NetworkOutPerSecond = metrics?.NetworkOutPerSecond,
            UptimeSeconds = guest.UptimeSeconds,
            PendingUpdates = guest.Patches?.Pending,
            RebootRequired = guest.Patches?.RebootRequired,
            UpdatesAt = guest.Patches?.At,
            SmbiosUuid = seen.SmbiosUuid,
            Lock = guest.Lock,
            Template = guest.Template,
            Unprivileged = seen.Unprivileged,
            Onboot = seen.OnBoot,
            HaManaged = seen.HaManaged,
            HaState = seen.HaState,
            Disks = seen.Disks,
            Tags = guest.Tags,
            Notes = guest.Notes,
            PlatformFamilyOverridden = guest.FamilyOverridden,
            DeletedAt = guest.DeletedAt,
            Problem = guest.Problem,
        };
    }
}

/// <summary>A machine outside Proxmox VE, or inside a VM, with an agent of its own.</summary>
public sealed record MachineRow : AgentRow
{
    /// <summary>The machine's name.</summary>
    [JsonPropertyOrder(-19)]
    public required string Hostname { get; init; }

    /// <summary>The number of the VM it is; null when it is none that is known.</summary>
    [JsonPropertyOrder(-11)]
    public string? ProxmoxVmid { get; init; }

    /// <summary>The id of the VM it is; null when it is none that is known.</summary>
    [JsonPropertyOrder(-10)]
    public string? ProxmoxVm { get; init; }

    /// <summary>The agent of the host that VM is on; null when not known.</summary>
    [JsonPropertyOrder(-9)]
    public string? ProxmoxParentHost { get; init; }

    /// <summary>The agent's version; null when not known.</summary>
    public string? AgentVersion { get; init; }

    /// <summary>The kernel that runs; null when not known.</summary>
    public string? Kernel { get; init; }

    /// <summary>Load average of one minute; null when not measured lately.</summary>
    public double? Load1 { get; init; }

    /// <summary>What could not be read, and what is not clear about it; empty when nothing.</summary>
    public required IReadOnlyList<string> Problems { get; init; }

    /// <summary>The row of a machine.</summary>
    public static MachineRow Of(MachineView machine)
    {
        var (node, host, metrics) = (machine.Node, machine.Node.Host, machine.Node.Metrics);
        return Measured(
            new MachineRow
            {
                Id = node.Agent?.Value ?? machine.Id.Value,
                Hostname = node.Hostname ?? node.Name.Value,
                OsType = "linux",
                PlatformFamily = Spell(machine.PlatformFamily),
                ProxmoxRole = machine.Vm is null ? "standalone" : "vm",
                ProxmoxCluster = machine.Vm?.ClusterName,
                ProxmoxNodeName = machine.Vm?.Node.Value,
                ProxmoxVmid = machine.Vm?.Vmid.ToString(),
                ProxmoxVm = machine.Vm?.Guest,
                ProxmoxParentHost = machine.Vm?.ParentHost?.Value,
                Status = Spell(node.Status),
                AgentVersion = node.AgentVersion,
                Kernel = host?.KernelRunning,
                Load1 = metrics?.Load?.One,
                Problems = machine.VmProblem is { } problem ? [.. node.Problems, problem] : node.Problems,
            },
            node);
    }
}
