using System.Globalization;
using NannyOrleans.Agent.Inventories;
using NannyOrleans.Agent.Journal;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Proxmox;

/// <summary>A guest's first process: a container's init, a VM's kvm. Another one means that the guest was started anew. Not for use from two places at once.</summary>
internal sealed class GuestProcesses(Host host)
{
    private readonly RunningGuests running = new(host);
    private readonly StartTimes processes = new(TimeProvider.System);
    private readonly Programs programs = new(host);

    /// <summary>Looks now.</summary>
    public async Task<GuestProcess> Find(GuestType type, Vmid vmid, CancellationToken cancellationToken)
    {
        var (status, problem) = (type is GuestType.Lxc ? running.Containers() : running.Vms()).Of(vmid);
        if (status is not GuestStatus.Running)
        {
            return new(status, null, problem);
        }

        var (first, unknown) = type is GuestType.Lxc ? await Init(vmid, cancellationToken) : Kvm(vmid);
        return new(status, first, unknown);
    }

    private async Task<(FirstProcess? First, string? Problem)> Init(Vmid vmid, CancellationToken cancellationToken)
    {
        var end = await programs.Run("lxc-info", ["-n", vmid.ToString(), "-pH"], Limit, OutputLimit, cancellationToken);
        return end switch
        {
            { Problem: { } problem } => (null, problem),
            _ when int.TryParse(end.Output.AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && processes.Process(pid) is { } init
                => (new(init.Pid, init.StartTime), null),
            _ => (null, "lxc-info names no process of it"),
        };
    }

    private (FirstProcess? First, string? Problem) Kvm(Vmid vmid) =>
        processes.ProcessIn(host.At($"/var/run/qemu-server/{vmid}.pid")) is { } kvm ? (new(kvm.Pid, kvm.StartTime), null) : (null, "its pid file names no process");

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);
    private const int OutputLimit = 4096;
}

/// <summary>What was found.</summary>
/// <param name="Status">Whether the guest runs.</param>
/// <param name="First">Its first process; null when it does not run or that one was not found.</param>
/// <param name="Problem">Why something of it is not known; null when nothing is.</param>
internal sealed record GuestProcess(GuestStatus Status, FirstProcess? First, string? Problem);
