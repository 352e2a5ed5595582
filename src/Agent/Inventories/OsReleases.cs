using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Inventories;

/// <summary>
/// What the containers' <c>/etc/os-release</c> say, remembered: reading one is a <c>pct exec</c>. It is read again when the container
/// was seen not running since, or its configuration changed.
/// </summary>
internal sealed class OsReleases(Host host, TimeProvider clock)
{
    private readonly Programs programs = new(host);
    private readonly Dictionary<Vmid, Known> known = [];
    private long cycleStarted;

    /// <summary>Forgets containers that are gone and gives this cycle its time.</summary>
    public void BeginCycle(IEnumerable<Vmid> present)
    {
        cycleStarted = clock.GetTimestamp();
        foreach (var gone in known.Keys.Except(present).ToList())
        {
            known.Remove(gone);
        }
    }

    /// <summary>The container's OS; a problem when it runs and could not be read.</summary>
    public async Task<(OsRelease? Release, string? Problem)> Of(Vmid vmid, GuestStatus status, string conf, CancellationToken cancellationToken)
    {
        var cached = known.GetValueOrDefault(vmid);
        if (status is not GuestStatus.Running)
        {
            // What it was stays worth knowing, but once it runs again it may have been restored or replaced.
            known[vmid] = new(cached?.Release, conf, SeenRunning: status is GuestStatus.Unknown && cached?.SeenRunning is true);
            return (cached?.Release, null);
        }

        if (cached is { Release: not null, SeenRunning: true } && cached.Conf == conf)
        {
            return (cached.Release, null);
        }

        if (clock.GetElapsedTime(cycleStarted) > CycleLimit)
        {
            return (cached?.Release, "os-release not read yet: this round had no time left for it");
        }

        var end = await programs.Run("pct", ["exec", vmid.ToString(), "--", "cat", "/etc/os-release"], ReadLimit, OutputLimit, cancellationToken);
        var release = end.Problem is null ? OsReleaseFile.Parse(end.Output) : null;
        known[vmid] = new(release, conf, SeenRunning: true);
        return (release, end.Problem ?? (release is null ? "/etc/os-release has no line that can be read" : null));
    }

    private static readonly TimeSpan ReadLimit = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan CycleLimit = TimeSpan.FromSeconds(60);
    private const int OutputLimit = 64 * 1024;

    private sealed record Known(OsRelease? Release, string Conf, bool SeenRunning);
}
