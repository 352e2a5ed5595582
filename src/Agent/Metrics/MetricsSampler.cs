using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Agent.Metrics;

/// <summary>
/// Measures this host and its guests. Everything comes from files, no program is run. What may hang (pmxcfs, a process' command line, a
/// file system) is asked with an end, and what else there is to say is said. Not for use from two places at once.
/// </summary>
/// <param name="host">The host.</param>
/// <param name="node">The node it is; null for a machine outside Proxmox VE, which has no guests.</param>
/// <param name="interval">How often a sample is taken, as it says itself.</param>
/// <param name="disks">Asks file systems how full they are.</param>
/// <param name="clock">Times, and how much of it has passed.</param>
internal sealed class MetricsSampler(Host host, NodeName? node, TimeSpan interval, DiskSpace disks, TimeProvider clock)
{
    private readonly HostMeter own = new(host);
    private readonly NetworkMeter network = new(host, clock);
    private readonly BlockDevices devices = new(host);
    private readonly RunningGuests running = new(host);
    private readonly FileBytes file = new();
    private readonly PveFigures? pve = node is { } name ? new(host, name) : null;
    private readonly BoundedReads pveReads = new(Patience);
    private readonly BoundedReads guestReads = new(Patience, "the kernel does not answer");
    private Dictionary<Vmid, GuestMeter> meters = [];

    /// <summary>As it is in production.</summary>
    public MetricsSampler(Host host, NodeName? node, TimeSpan interval, TimeProvider clock)
        : this(host, node, interval, new(Patience), clock)
    {
    }

    /// <summary>Takes one sample. What could not be read is null in it, and one of its problems.</summary>
    public async Task<NodeMetrics> Sample(CancellationToken cancellationToken)
    {
        var problems = new List<string>();

        // First, since it may take its time: what is measured after it is measured at one moment.
        var seen = pve is null ? null : await ReadPve(pve, cancellationToken);
        problems.AddRange(seen?.Problems ?? []);
        var sample = own.Measure(new(clock.GetUtcNow(), (int)interval.TotalSeconds), problems);
        network.Measure(problems);
        var mounts = own.Mounts(problems);
        var guests = seen?.Guests is { } listed ? await ReadGuests(listed, sample, problems, cancellationToken) : null;
        var (ofMounts, ofGuests) = await Disks(mounts, guests, problems, cancellationToken);
        return sample with
        {
            NetworkInPerSecond = network.Host.In,
            NetworkOutPerSecond = network.Host.Out,
            Mounts = ofMounts,
            Guests = ofGuests,
            Storages = seen?.Storages,
            Quorate = seen?.Quorate,
            HaState = seen?.HaState,
            Problems = problems.Count is 0 ? null : problems.ConvertAll(static problem => PlainText.Of(problem, 1000)),
        };
    }

    private async Task<PveSeen> ReadPve(PveFigures figures, CancellationToken cancellationToken)
    {
        var limited = new HashSet<Vmid>(meters.Count);
        foreach (var (vmid, meter) in meters)
        {
            if (meter.IsLimited)
            {
                limited.Add(vmid);
            }
        }

        try
        {
            return await pveReads.Read(host.At("/etc/pve"), () => figures.Read(limited), cancellationToken);
        }
        catch (UnreadableException e)
        {
            return PveSeen.Nothing(e.Message);
        }
    }

    private async Task<List<GuestMetrics>?> ReadGuests(List<PveGuest> listed, NodeMetrics sample, List<string> problems, CancellationToken cancellationToken)
    {
        try
        {
            var (guests, found) = await guestReads.Read("What guests use", () => Measure(listed, sample), cancellationToken);
            problems.AddRange(found);
            return guests;
        }
        catch (UnreadableException e)
        {
            problems.Add(e.Message);
            return null;
        }
    }

    private (List<GuestMetrics> Guests, List<string> Problems) Measure(List<PveGuest> listed, NodeMetrics sample)
    {
        var problems = new List<string>();
        var (containers, vms) = (Kind(GuestType.Lxc), Kind(GuestType.Qemu));
        var groups = ControlGroups.Of(host);
        var (guests, left) = (new List<GuestMetrics>(listed.Count), new Dictionary<Vmid, GuestMeter>(listed.Count));
        Vmid? withoutGroup = null;
        foreach (var (vmid, type, limits) in listed)
        {
            var meter = meters.TryGetValue(vmid, out var known) && known.Type == type ? known : new(type, vmid);
            left[vmid] = meter;
            var (status, problem) = (type is GuestType.Lxc ? containers : vms)!.Of(vmid);
            if (status is not GuestStatus.Running)
            {
                if (problem is not null && !problems.Contains(problem))
                {
                    problems.Add(problem);
                }

                meter.Forget();
                guests.Add(new(vmid, type, status));
                continue;
            }

            var measured = meter.Measure(groups, limits, sample, network, devices, file, clock);
            withoutGroup = measured is null ? withoutGroup ?? vmid : withoutGroup;
            guests.Add(measured ?? new(vmid, type, status));
        }

        if (withoutGroup is { } first)
        {
            problems.Add($"{groups.Top} has no figures of guests that run, such as {first}");
        }

        meters = left;
        return (guests, problems);

        // A host without VMs need not have what tells which run.
        RunningSet? Kind(GuestType type) => !listed.Exists(guest => guest.Type == type) ? null : type is GuestType.Lxc ? running.Containers() : running.Vms();
    }

    private async Task<(List<MountUsage>? Mounts, List<GuestMetrics>? Guests)> Disks(
        List<(string Path, string Type)>? mounts,
        List<GuestMetrics>? guests,
        List<string> problems,
        CancellationToken cancellationToken)
    {
        var paths = new List<string>();
        foreach (var (path, _) in mounts ?? [])
        {
            paths.Add(host.At(path));
        }

        var inits = new List<(int Guest, ContainerInit Init)>();
        for (var i = 0; i < guests?.Count; i++)
        {
            if (meters[guests[i].Vmid].Init is { Root: { } root } init)
            {
                inits.Add((i, init));
                paths.Add(root);
            }
        }

        var found = await disks.Measure(paths, problems, cancellationToken);
        List<MountUsage>? ofMounts = mounts is null ? null : [];
        for (var i = 0; i < mounts?.Count; i++)
        {
            if (found[i] is { TotalBytes: > 0 } usage)
            {
                ofMounts!.Add(new(PlainText.Of(mounts[i].Path, 1000), PlainText.Of(mounts[i].Type), usage));
            }
        }

        for (var i = 0; i < inits.Count; i++)
        {
            // Only now is it sure whose root that was.
            var usage = found[(mounts?.Count ?? 0) + i];
            if (usage is not null && inits[i].Init.IsSame(file))
            {
                guests![inits[i].Guest] = guests[inits[i].Guest] with { Disk = usage };
            }
        }

        return (ofMounts, guests);
    }

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
}
