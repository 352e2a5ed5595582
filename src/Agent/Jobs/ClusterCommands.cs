using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Jobs;

/// <summary>Asks HA's manager for a node's maintenance mode. It takes that up in its own time; what is asked for counts.</summary>
internal sealed class MaintenanceCommand(Host host, BoundedReads reads, TimeProvider clock, SetMaintenance job) : IHostCommand
{
    /// <inheritdoc/>
    public string Name => "ha-manager crm-command";

    /// <inheritdoc/>
    public ExitCodeMeaning Meaning => ExitCodeMeaning.Done;

    /// <inheritdoc/>
    public bool IsEndedWhenLate => true;

    /// <inheritdoc/>
    public async Task<CommandLook> Look(CancellationToken cancellationToken)
    {
        var problems = new List<string>();
        var ha = await reads.Read(host.At("/etc/pve/ha"), () => HaFiles.Read(host, clock.GetUtcNow(), problems), cancellationToken);
        return ha.IsMaintenanceAsked(job.Node, job.On) switch
        {
            true => CommandLook.Done,
            false => CommandLook.Run("ha-manager", "crm-command", "node-maintenance", job.On ? "enable" : "disable", job.Node.Value),
            null => CommandLook.Unknown(PlainText.Of($"HA's state cannot be read: {problems.FirstOrDefault()}")),
        };
    }
}

/// <summary>Sets a flag of Ceph's OSD map, or takes it off.</summary>
internal sealed class CephFlagCommand(Host host, SetCephFlag job) : IHostCommand
{
    /// <inheritdoc/>
    public string Name => job.On ? "ceph osd set" : "ceph osd unset";

    /// <inheritdoc/>
    public ExitCodeMeaning Meaning => ExitCodeMeaning.Done;

    /// <summary>A ceph that waits for its monitors would change the flag whenever they come back.</summary>
    public bool IsEndedWhenLate => true;

    /// <inheritdoc/>
    public async Task<CommandLook> Look(CancellationToken cancellationToken)
    {
        var end = await new Programs(host).Run("ceph", ["osd", "dump", "--format", "json"], Limit, OutputLimit, cancellationToken);
        return end.Problem is { } problem ? CommandLook.Unknown(problem)
            : CephStatus.Flags(end.Output) is not { } flags ? CommandLook.Unknown("ceph osd dump does not say which flags are set")
            : flags.Contains(job.Flag) == job.On ? CommandLook.Done
            : CommandLook.Run("ceph", "osd", job.On ? "set" : "unset", job.Flag);
    }

    private const int OutputLimit = 64 * 1024; // the flags are at its beginning, before pools and OSDs
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);
}
