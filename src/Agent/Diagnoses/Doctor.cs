using System.Globalization;
using System.Text.Json;
using NannyOrleans.Agent.Connection;
using NannyOrleans.Agent.Inventories;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Metrics;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Diagnoses;

/// <summary>
/// Finds out why a guest or the machine itself could not be patched. It looks, changes nothing, and each look has an end in time. Without a
/// <paramref name="node"/> this is a machine outside Proxmox VE.
/// </summary>
/// <param name="host">The host.</param>
/// <param name="node">Its node name.</param>
/// <param name="reads">Reads of <c>/etc/pve</c>.</param>
/// <param name="clock">The time.</param>
/// <param name="agentProblem">What is wrong with the connection to the server, or null when nothing is.</param>
internal sealed class Doctor(Host host, NodeName? node, BoundedReads reads, TimeProvider clock, Func<CancellationToken, Task<string?>> agentProblem)
{
    private readonly Programs programs = new(host);

    /// <summary>Examines a guest, or without a <paramref name="vmid"/> the machine.</summary>
    public async Task<Diagnosis> Examine(Vmid? vmid, string? expectedFamily, CancellationToken cancellationToken) =>
        new(vmid is { } guest ? await Guest(guest, expectedFamily, cancellationToken) : await Machine(expectedFamily, cancellationToken));

    private async Task<IReadOnlyList<Check>> Guest(Vmid vmid, string? expectedFamily, CancellationToken cancellationToken)
    {
        if (node is not { } name)
        {
            return [Verdicts.Problem("node", $"this machine is no Proxmox VE host and has no guest {vmid}", "Ask the host that runs it.")];
        }

        GuestConfFile? file;
        try
        {
            file = await reads.Read(host.At("/etc/pve"), () => GuestConfFile.Read(host, name, vmid), cancellationToken);
        }
        catch (UnreadableException e)
        {
            return [Verdicts.Unknown("node", e.Message, "Look at: systemctl status pve-cluster corosync")];
        }

        if (file is null)
        {
            return [Verdicts.Problem("node", $"guest {vmid} is not on this node", "Ask the node that has it (pvesh get /cluster/resources --type vm). A guest that was moved is found again by the next inventory.")];
        }

        var conf = GuestConf.Parse(file.Type, file.Text);
        var process = await new GuestProcesses(host).Find(file.Type, vmid, cancellationToken);
        var tasks = RunningTasks.Of(new HostTexts(host).Read("/var/log/pve/tasks/active", []) ?? string.Empty, vmid, conf.Lock is not null, task => task.IsAlive());
        if (file.Type is GuestType.Lxc)
        {
            return ContainerChecks.Of(vmid, await Container(vmid, new(conf, process) { Tasks = tasks }, cancellationToken), expectedFamily);
        }

        var (answers, problem) = conf.QemuAgent is true && process.Status is GuestStatus.Running ? await GuestAgent(vmid, cancellationToken) : (null, null);
        return VmChecks.Of(vmid, conf, process, tasks, answers, problem);
    }

    private async Task<ContainerSeen> Container(Vmid vmid, ContainerSeen seen, CancellationToken cancellationToken)
    {
        if (seen.Process.Status is not GuestStatus.Running)
        {
            return seen;
        }

        // By pct exec, as jobs are: what is in its way is in theirs.
        string[] entry = ["pct", "exec", vmid.ToString(), "--"];
        var id = await programs.Run("pct", ["exec", vmid.ToString(), "--", "id", "-u"], ExecLimit, OutputLimit, cancellationToken);
        return id.Problem is { } problem
            ? seen with { ExecProblem = problem }
            : seen with { Uid = id.Output.Trim(), Look = await new SystemLook(programs, entry, string.Empty).Look(cancellationToken) };
    }

    private async Task<(bool? Answers, string? Problem)> GuestAgent(Vmid vmid, CancellationToken cancellationToken)
    {
        var end = await programs.Run("qm", ["guest", "cmd", vmid.ToString(), "ping"], ExecLimit, OutputLimit, cancellationToken);
        return (end.ExitCode is null ? null : end.Problem is null, end.Problem);
    }

    private async Task<IReadOnlyList<Check>> Machine(string? expectedFamily, CancellationToken cancellationToken)
    {
        var (registration, notRegistered) = Registration();
        var boot = new List<string>();
        var usage = await new DiskSpace(DiskLimit).Measure([host.At("/boot")], boot, cancellationToken);
        var (holders, unknown) = await LockHolders(cancellationToken);
        var time = await programs.Run("timedatectl", ["show", "-p", "NTPSynchronized", "--value"], ExecLimit, OutputLimit, cancellationToken);
        var seen = new HostLook(new BootKernel(host, node is not null).Look())
        {
            Registration = registration,
            AgentProblem = notRegistered ?? await agentProblem(cancellationToken),
            Proxmox = node is { } name ? await Proxmox(name, cancellationToken) : null,
            Look = await new SystemLook(programs, [], host.Root is "/" ? string.Empty : host.Root).Look(cancellationToken),
            BootFreeBytes = usage is [{ } of] ? of.TotalBytes - of.UsedBytes : null,
            BootProblem = boot is [var first, ..] ? first : "there is no /boot",
            LockHolders = holders,
            LocksProblem = unknown,
            ClockSynchronized = time.Output.Trim() switch { "yes" => true, "no" => false, _ => null },
            ClockProblem = time.Problem,
        };
        return HostChecks.Of(seen, expectedFamily);
    }

    private async Task<ProxmoxLook> Proxmox(NodeName name, CancellationToken cancellationToken)
    {
        var (problem, cluster) = ((string?)null, (ClusterSeen?)null);
        try
        {
            var files = await reads.Read(host.At("/etc/pve"), () => PveFiles.Read(host, name), cancellationToken);
            problem = files.Problems is [var first, ..] ? first : null;
            cluster = files.Members is { } members ? ClusterFiles.ParseMembers(members, files.Corosync) : null;
        }
        catch (UnreadableException e)
        {
            problem = e.Message;
        }
        catch (JsonException)
        {
            // The quorum's check says that it cannot be told.
        }

        var (repositories, unread) = (new PackageRepositories(host), new List<string>());
        var found = repositories.Problems(repositories.Subscription(unread), repositories.ListsAt(), clock.GetUtcNow(), unread);
        return new(problem, cluster, found, unread is [var why, ..] ? why : null);
    }

    private (string? Registration, string? Problem) Registration()
    {
        try
        {
            return Credentials.Load(host) is { } known
                ? ($"agent {known.AgentId} at {Configuration.ServerUrl.Text(known.Known(), ", ")}", null)
                : (null, "this machine is not registered");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return (null, $"{Credentials.PathOn(host)} cannot be read: {e.Message}");
        }
    }

    // dpkg and apt lock with fcntl, and the kernel lists such locks with their owner and the file's number.
    private async Task<(IReadOnlyList<string>? Holders, string? Problem)> LockHolders(CancellationToken cancellationToken)
    {
        var files = PackageLocks.Select(host.At).Where(File.Exists).ToList();
        if (files.Count is 0)
        {
            return ([], null);
        }

        var stat = await programs.Run("stat", ["-c", "%i", .. files], ExecLimit, OutputLimit, cancellationToken);
        var problems = new List<string>();
        if (stat.Problem is not null || new HostTexts(host).Read("/proc/locks", problems) is not { } locks)
        {
            return (null, stat.Problem ?? (problems is [var why, ..] ? why : $"there is no {host.At("/proc/locks")}"));
        }

        return ([.. KernelLocks.Holders(locks, stat.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)).Select(Named)], null);
    }

    private string Named(int pid) => string.Create(CultureInfo.InvariantCulture,
        $"{new HostTexts(host).Value($"/proc/{pid}/comm", []) ?? "a program"} (pid {pid})");

    private static readonly string[] PackageLocks =
        ["/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock", "/var/lib/apt/lists/lock", "/var/lib/rpm/.rpm.lock"];

    private const int OutputLimit = 64 * 1024;
    private static readonly TimeSpan ExecLimit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan DiskLimit = TimeSpan.FromSeconds(5);
}
