using System.Globalization;
using NannyOrleans.Agent.Inventories;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;
using static NannyOrleans.Agent.Diagnoses.Verdicts;

namespace NannyOrleans.Agent.Diagnoses;

/// <summary>What is concluded from what was seen of the machine the agent runs on.</summary>
internal static class HostChecks
{
    /// <summary>All checks.</summary>
    public static IReadOnlyList<Check> Of(HostLook seen, string? expectedFamily) =>
    [
        Agent(seen),
        .. seen.Proxmox is { } proxmox ? (IReadOnlyList<Check>)[Pmxcfs(proxmox), Quorum(proxmox), Repositories(proxmox)] : [],
        .. InsideChecks.Of(seen.Look, null, null, expectedFamily),
        Boot(seen),
        PackageLocks(seen),
        Kernel(seen.Kernel),
        Clock(seen),
    ];

    private static Check Agent(HostLook seen) => seen switch
    {
        { Registration: null, AgentProblem: { } problem } => Problem("agent", problem, "Run: nannyagent register"),
        { AgentProblem: { } problem } => Problem("agent", $"it is registered ({seen.Registration}), but the server does not answer: {problem}", "Look at api_url, at the name's address, at firewalls and at the server's certificate."),
        { Registration: { } registration } => Ok("agent", $"it is registered ({registration}), and the server answers"),
        _ => Unknown("agent", "nobody asked"),
    };

    private static Check Pmxcfs(ProxmoxLook seen) => seen.PmxcfsProblem is { } problem
        ? Problem("pmxcfs", problem, "Look at: systemctl status pve-cluster corosync")
        : Ok("pmxcfs", "/etc/pve can be read");

    private static Check Quorum(ProxmoxLook seen) => seen.Cluster switch
    {
        null => Unknown("quorum", seen.PmxcfsProblem is null ? "/etc/pve/.members cannot be understood" : "/etc/pve cannot be read"),
        { Quorate: true, Clustered: false } => Ok("quorum", "it is a host of its own"),
        { Quorate: true } cluster => Ok("quorum", $"the cluster is quorate, {Count(cluster.Members.Count(member => member.Online))} of {Count(cluster.Members.Count)} members are here"),
        var cluster => Problem("quorum", $"the cluster has no quorum: not here are {Some([.. cluster.Members.Where(member => !member.Online).Select(member => member.Node.Value)])}",
            "Bring the missing members back (pvecm status). Without quorum no guest can be started and no configuration changed."),
    };

    private static Check Repositories(ProxmoxLook seen) => seen.RepositoryProblems switch
    {
        null => Unknown("repositories", seen.RepositoriesUnread ?? "the package sources cannot be read"),
        [] => Ok("repositories", "Proxmox VE's repositories are as they should be"),
        var wrong when wrong.Any(one => one.Contains("enterprise repository", StringComparison.Ordinal)) =>
            Problem("repositories", Some(wrong), "Buy a subscription, or disable the enterprise repository and enable pve-no-subscription."),
        var wrong => Warning("repositories", Some(wrong), "Mend it under Updates → Repositories, then run apt-get update."),
    };

    private static Check Boot(HostLook seen) => seen.BootFreeBytes switch
    {
        null => Unknown("boot-space", seen.BootProblem ?? "/boot did not say how full it is"),
        < NeededInBoot and { } little => Problem("boot-space", $"only {Count(little >> 20)} MiB are free on /boot", "Remove kernels that are not needed: apt-get autoremove --purge"),
        { } some => Ok("boot-space", $"{Count(some >> 20)} MiB are free on /boot"),
    };

    private static Check PackageLocks(HostLook seen) => seen.LockHolders switch
    {
        null => Unknown("lock", seen.LocksProblem ?? "it cannot be told who holds the package database"),
        [] => Ok("lock", "nobody works on the package database"),
        var holders => Warning("lock", $"the package database is held by {Some(holders)}", "Wait until it has ended. A patch waits for a while, then fails."),
    };

    private static Check Kernel(KernelSeen seen) => seen switch
    {
        { IsBehind: true } => Warning("kernel", $"{seen.Running} runs, {(seen.Pinned ? "pinned" : "newest")} is {seen.Next}", "Restart the machine when it suits."),
        { IsBehind: false } => Ok("kernel", $"{seen.Running} runs{(seen.Pinned ? ", as pinned" : string.Empty)}"),
        _ => Unknown("kernel", seen.Problem ?? "the kernels cannot be compared"),
    };

    private static Check Clock(HostLook seen) => seen.ClockSynchronized switch
    {
        true => Ok("clock", "the clock is synchronized"),
        false => Warning("clock", "the clock is not synchronized", "Look at: timedatectl, systemctl status chrony. With a wrong clock signatures of repositories are refused."),
        null => Unknown("clock", seen.ClockProblem ?? "timedatectl does not say"),
    };

    private static string Count(long number) => number.ToString(CultureInfo.InvariantCulture);

    private const long NeededInBoot = 150 << 20; // a kernel and its initramfs
}

/// <summary>What was seen of the machine, before anything is concluded from it.</summary>
/// <param name="Kernel">Its kernels.</param>
internal sealed record HostLook(KernelSeen Kernel)
{
    /// <summary>Where it is registered; null when it is not.</summary>
    public string? Registration { get; init; }

    /// <summary>What is wrong with the registration, or why the server does not answer; null when nothing is.</summary>
    public string? AgentProblem { get; init; }

    /// <summary>What only a Proxmox VE host has; null for another machine.</summary>
    public ProxmoxLook? Proxmox { get; init; }

    /// <summary>What it says of itself.</summary>
    public LookInside Look { get; init; } = new();

    /// <summary>Bytes free on <c>/boot</c>.</summary>
    public long? BootFreeBytes { get; init; }

    /// <summary>Why these are not known.</summary>
    public string? BootProblem { get; init; }

    /// <summary>Who holds the package database; null when it cannot be told.</summary>
    public IReadOnlyList<string>? LockHolders { get; init; }

    /// <summary>Why it cannot.</summary>
    public string? LocksProblem { get; init; }

    /// <summary>Whether the clock follows another one; null when it cannot be told.</summary>
    public bool? ClockSynchronized { get; init; }

    /// <summary>Why it cannot.</summary>
    public string? ClockProblem { get; init; }
}

/// <summary>What only a Proxmox VE host has.</summary>
/// <param name="PmxcfsProblem">Why <c>/etc/pve</c> cannot be read; null when it can.</param>
/// <param name="Cluster">The cluster as pmxcfs has it; null when it cannot be told.</param>
/// <param name="RepositoryProblems">What is wrong with the repositories; null when they cannot be read.</param>
/// <param name="RepositoriesUnread">Why they cannot.</param>
internal sealed record ProxmoxLook(string? PmxcfsProblem, ClusterSeen? Cluster, IReadOnlyList<string>? RepositoryProblems, string? RepositoriesUnread);
