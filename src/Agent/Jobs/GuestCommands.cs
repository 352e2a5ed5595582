using System.Globalization;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Jobs;

/// <summary>Moves a guest to another node. A container cannot move while it runs; it is shut down, moved and started there.</summary>
internal sealed class MigrateCommand(Host host, NodeName node, BoundedReads reads, MigrateGuest job) : IHostCommand
{
    private string program = "pct or qm";

    /// <inheritdoc/>
    public string Name => $"{program} migrate";

    /// <inheritdoc/>
    public ExitCodeMeaning Meaning => ExitCodeMeaning.Required;

    /// <inheritdoc/>
    public bool IsEndedWhenLate => false;

    /// <inheritdoc/>
    public async Task<CommandLook> Look(CancellationToken cancellationToken)
    {
        var (at, process) = await GuestCommandChecks.Find(host, node, reads, job.Vmid, cancellationToken);
        program = at.On is null ? program : GuestCommandChecks.Program(at.Type);
        return Of(job, node, at, process);
    }

    /// <summary>What a look says.</summary>
    public static CommandLook Of(MigrateGuest job, NodeName node, GuestPlacement at, GuestProcess? process)
    {
        if (at.On == job.To)
        {
            return CommandLook.Done;
        }

        var member = at.Cluster.Members.FirstOrDefault(one => one.Node == job.To);
        var why = member is null ? $"the cluster has no node {job.To}"
            : !member.Online ? $"{job.To} is offline"
            : !at.Cluster.Quorate ? "this node has no quorum"
            : GuestCommandChecks.Refusal(job.Vmid, node, at);
        string[] options = (at.Type, process?.Status) switch
        {
            (GuestType.Lxc, GuestStatus.Running) => ["--restart"],
            (GuestType.Qemu, GuestStatus.Running) => ["--online", "--with-local-disks"],
            (GuestType.Qemu, _) => ["--with-local-disks"],
            _ => [],
        };
        return why is not null ? CommandLook.Refused(why)
            : process is not { Status: GuestStatus.Running or GuestStatus.Stopped } ? CommandLook.Refused(GuestCommandChecks.Unclear(job.Vmid, at.Type, process))
            : CommandLook.Run([GuestCommandChecks.Program(at.Type), "migrate", job.Vmid.ToString(), job.To.Value, .. options]);
    }
}

/// <summary>Starts a guest, or shuts it down in order.</summary>
internal sealed class PowerCommand(Host host, NodeName node, BoundedReads reads, PowerGuest job) : IHostCommand
{
    private string program = "pct or qm";

    /// <inheritdoc/>
    public string Name => $"{program} {(job.On ? "start" : "shutdown")}";

    /// <inheritdoc/>
    public ExitCodeMeaning Meaning => ExitCodeMeaning.Nothing;

    /// <inheritdoc/>
    public bool IsEndedWhenLate => false;

    /// <inheritdoc/>
    public async Task<CommandLook> Look(CancellationToken cancellationToken)
    {
        var (at, process) = await GuestCommandChecks.Find(host, node, reads, job.Vmid, cancellationToken);
        program = at.On is null ? program : GuestCommandChecks.Program(at.Type);
        return Of(job, node, at, process);
    }

    /// <summary>What a look says.</summary>
    public static CommandLook Of(PowerGuest job, NodeName node, GuestPlacement at, GuestProcess? process) => process switch
    {
        { Status: GuestStatus.Running, First: not null } when job.On => CommandLook.Done,
        { Status: GuestStatus.Stopped } when !job.On => CommandLook.Done,
        _ when GuestCommandChecks.Refusal(job.Vmid, node, at) is { } why => CommandLook.Refused(why),
        { Status: GuestStatus.Stopped } => CommandLook.Run([GuestCommandChecks.Program(at.Type), "start", job.Vmid.ToString(), .. at.Type is GuestType.Qemu ? Timeout(job) : []]), // pct start knows no time
        { Status: GuestStatus.Running } when !job.On => CommandLook.Run([GuestCommandChecks.Program(at.Type), "shutdown", job.Vmid.ToString(), .. Timeout(job)]),
        _ => CommandLook.Unknown(GuestCommandChecks.Unclear(job.Vmid, at.Type, process)),
    };

    private static string[] Timeout(PowerGuest job) => ["--timeout", job.TimeoutSeconds.ToString(CultureInfo.InvariantCulture)];
}

/// <summary>What both have in common.</summary>
internal static class GuestCommandChecks
{
    /// <summary>Where the guest is, and its first process when it is here.</summary>
    public static async Task<(GuestPlacement At, GuestProcess? Process)> Find(Host host, NodeName node, BoundedReads reads, Vmid vmid, CancellationToken cancellationToken)
    {
        // The file last, so that as little time as possible lies between the look at the lock and the start.
        var first = await Place();
        var process = first.Conf is null ? null : await new GuestProcesses(host).Find(first.Type, vmid, cancellationToken);
        return (await Place(), process);

        Task<GuestPlacement> Place() => reads.Read(host.At("/etc/pve"), () => GuestPlacement.Read(host, node, vmid), cancellationToken);
    }

    /// <summary>Why nothing may be done with the guest; null when it may.</summary>
    public static string? Refusal(Vmid vmid, NodeName node, GuestPlacement at) => at switch
    {
        { On: null } => $"there is no guest {vmid}",
        { On: { } on } when on != node => $"guest {vmid} is on {on}, not on this node",
        { Conf: null } => $"guest {vmid} is not on this node",
        { Conf.Template: true } => $"{GuestRebootChecks.Word(at.Type)} is a template",
        { Conf.Lock: { } held } => $"{GuestRebootChecks.Word(at.Type)} is locked ({PlainText.Of(held, 40)})",
        { HaManaged: true } => $"{GuestRebootChecks.Word(at.Type)} is managed by HA, which moves, starts and stops it itself",
        _ => null,
    };

    /// <summary>Why it is not known whether the guest runs.</summary>
    public static string Unclear(Vmid vmid, GuestType type, GuestProcess? process) =>
        $"cannot tell whether {GuestRebootChecks.Word(type)} {vmid} runs: {PlainText.Of(process?.Problem ?? "it was not asked")}";

    /// <summary>The program for guests of its kind.</summary>
    public static string Program(GuestType type) => type is GuestType.Lxc ? "pct" : "qm";
}
