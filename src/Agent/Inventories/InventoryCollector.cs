using NannyOrleans.Agent.Configuration;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Inventories;

/// <summary>A whole inventory, and where the cluster's guests are (null when that cannot be told).</summary>
internal sealed record CollectedInventory(Inventory Whole, IReadOnlyDictionary<Vmid, GuestPlace>? Places);

/// <summary>
/// Collects what this host says about itself. Files wherever a file says it: each Proxmox command costs most of a CPU second, and a round has at
/// most <see cref="PveCalls.MostInRound"/> of them, none once all is known. Not for use from two places at once.
/// </summary>
internal sealed class InventoryCollector(Host host, NodeName node, BoundedReads reads, AgentConfig config, string agentVersion, TimeProvider clock) : IInventories
{
    private readonly PveCalls calls = new(host);
    private readonly HostTexts texts = new(host);
    private readonly RunningGuests running = new(host);
    private readonly StartTimes starts = new(clock);
    private ContainerProbes? containers;
    private VmAddresses? vms;
    private ClusterFacts? cluster;
    private PveHostFacts? facts;
    private (DateTime DpkgChanged, string Text)? pveVersion;

    private ContainerProbes Containers => containers ??= new(host, config.ContainerProbe, starts, clock);

    private VmAddresses Vms => vms ??= new(host, calls, clock);

    /// <inheritdoc/>
    public async Task<CollectedInventory> Collect(CancellationToken cancellationToken)
    {
        var problems = new List<string>();
        calls.BeginRound();
        var (files, places, guests) = await Guests(problems, cancellationToken);
        var identity = await Identity(files, problems, cancellationToken);
        var ha = new HaFiles(files.HaResources, files.HaManager, files.HaUnread || files.Members is null, clock.GetUtcNow(), problems, files.HaCommands, files.Lrms);
        var version = await PveVersion(problems, cancellationToken);
        var seen = await (cluster ??= new(host, calls)).Read(files, ha, places, problems, cancellationToken);
        var machine = await (facts ??= new(host, calls, clock)).Read(node, problems, cancellationToken);
        var described = guests is null ? null : await Describe(guests, files, ha, machine, problems, cancellationToken);
        var storages = Storages.Read(files, node, texts, problems);
        var whole = new Inventory(
            clock.GetUtcNow(), agentVersion, Hostname(problems), version, host.BootId(), seen, described, Shortened(problems))
        {
            IntervalSeconds = (int)config.GuestDiscoveryInterval.TotalSeconds,
            Node = identity?.Node,
            ClusterId = identity?.Cluster,
            Host = machine,
            Storages = storages,
        };
        return new(whole, places);
    }

    /// <inheritdoc/>
    public void Forget(Vmid? vmid)
    {
        Containers.Forget(vmid);
        Vms.Forget(vmid);
    }

    private async Task<(PveFiles Files, IReadOnlyDictionary<Vmid, GuestPlace>? Places, IReadOnlyList<GuestFile>? Guests)> Guests(
        List<string> problems, CancellationToken cancellationToken)
    {
        for (var again = false; ; again = true)
        {
            var found = new List<string>();
            var files = await ReadFiles(cancellationToken);
            found.AddRange(files.Problems);
            var places = GuestList.Places(files, found);
            var guests = GuestList.Of(files, node, places, found);
            if (guests is not null || files.Lxc is null || files.Qemu is null || again)
            {
                problems.AddRange(found);
                return (files, places, guests);
            }

            // The list and the files are read one after the other: a guest that came in between shows in one of them only, once.
        }
    }

    private async Task<PveFiles> ReadFiles(CancellationToken cancellationToken)
    {
        try
        {
            return await reads.Read(host.At("/etc/pve"), () => PveFiles.Read(host, node), cancellationToken);
        }
        catch (UnreadableException e)
        {
            return new(null, null, null, [e.Message]);
        }
    }

    private async Task<HostIdentity?> Identity(PveFiles files, List<string> problems, CancellationToken cancellationToken)
    {
        if (files.Members is null)
        {
            return null; // why is said already
        }

        try
        {
            return await new PveHost(host, reads).Identity(cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add(e.Message);
            return null;
        }
    }

    private async Task<IReadOnlyList<GuestSeen>> Describe(
        IReadOnlyList<GuestFile> guests, PveFiles files, HaFiles ha, HostSeen machine, List<string> problems, CancellationToken cancellationToken)
    {
        var (lxc, qemu) = (Set(GuestType.Lxc, running.Containers), Set(GuestType.Qemu, running.Vms));
        var figures = files.Rrd is null ? null : RrdFile.Guests(files.Rrd);
        var looks = new List<Look>();
        var (enter, ask, present) = (new List<ContainerProbes.Enterable>(), new List<VmAddresses.Running>(), new HashSet<Vmid>());
        foreach (var file in guests)
        {
            var conf = file.Text is null ? null : GuestConf.Parse(file.Type, file.Text);
            var (status, problem) = (file.Type is GuestType.Lxc ? lxc : qemu)!.Of(file.Vmid);
            ProcessStat? process = null;
            if (file.Type is GuestType.Lxc && conf is { Template: false })
            {
                enter.Add(new(file.Vmid, status, file.Text!));
            }
            else if (file.Type is GuestType.Qemu && status is GuestStatus.Running)
            {
                process = starts.ProcessIn(host.At($"/var/run/qemu-server/{file.Vmid}.pid"));
                status = figures?.GetValueOrDefault(file.Vmid)?.Status is "paused" ? GuestStatus.Paused : status;
                if (conf is not null)
                {
                    ask.Add(new(file.Vmid, process, conf));
                }
            }

            looks.Add(new(file, conf, status, problem, process));
            present.Add(file.Vmid);
        }

        await Containers.Look(enter, cancellationToken);
        await Vms.Look(ask, problems, cancellationToken);
        starts.Keep(present);
        var own = files.Storage is null ? null : StorageCfg.Parse(files.Storage, node);
        return looks.ConvertAll(look => Describe(look, ha, machine, own));

        RunningSet? Set(GuestType type, Func<RunningSet> find)
        {
            var set = guests.Any(guest => guest.Type == type) ? find() : null;
            if (set?.Problem is { } problem)
            {
                problems.Add(problem);
            }

            return set;
        }
    }

    private GuestSeen Describe(Look look, HaFiles ha, HostSeen machine, IReadOnlyList<StorageCfg>? own)
    {
        var (file, conf, status, problem, vm) = look;
        var (vmid, type) = (file.Vmid, file.Type);
        var isOn = status is GuestStatus.Running or GuestStatus.Paused;
        var process = type is GuestType.Lxc ? Containers.Init(vmid) : vm;
        var seen = new GuestSeen(vmid, type, GuestConf.ShownName(conf?.Name, type, vmid), status, conf?.OsType, null, conf?.Lock, conf?.Template ?? false, null)
        {
            HaManaged = ha.Manages(type, vmid),
            HaState = ha.StateOf(type, vmid),
            StartedAt = isOn && process is { } one ? starts.Of(vmid, one) : null,
        };
        if (conf is null)
        {
            return seen with { Problem = Joined(file.Problem, problem, "its configuration could not be read") };
        }

        var addresses = !isOn ? null : type is GuestType.Lxc ? Containers.Addresses(vmid) : Vms.Of(vmid);
        return seen with
        {
            Os = type is GuestType.Lxc ? Containers.Os(vmid) : null,
            Cores = conf.Cores ?? (type is GuestType.Lxc && !conf.HasWrongCores ? machine.Cores : null),
            MemoryBytes = conf.MemoryBytes,
            SwapBytes = conf.SwapBytes,
            Disks = conf.Disks,
            Networks = conf.Networks,
            Addresses = addresses,
            PrimaryAddress = addresses is [var first, ..] ? first : isOn ? null : conf.Networks.FirstOrDefault(network => network.Address is not null)?.Address,
            Tags = conf.Tags,
            Unprivileged = conf.Unprivileged,
            OnBoot = conf.OnBoot,
            SmbiosUuid = conf.SmbiosUuid,
            QemuAgent = conf.QemuAgent,
            Pinned = conf.Pins.Reason(own),
            Problem = Joined(
                file.Problem, problem, conf.Problems.Count > 0 ? $"its configuration cannot be understood: {string.Join(", ", conf.Problems)}" : null,
                type is GuestType.Lxc ? Containers.Problem(vmid) : null),
        };
    }

    private string Hostname(List<string> problems)
    {
        try
        {
            return PlainText.Of(host.Hostname(), 200);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add(e.Message);
            return node.Value; // the name it was registered with
        }
    }

    private async Task<string?> PveVersion(List<string> problems, CancellationToken cancellationToken)
    {
        // Another half CPU second of Perl; the answer can only change with dpkg's status file.
        var changed = File.GetLastWriteTimeUtc(host.At("/var/lib/dpkg/status"));
        if (pveVersion is { } known && known.DpkgChanged == changed)
        {
            return known.Text;
        }

        if (await calls.Run("pveversion", [], TimeSpan.FromSeconds(30), 4096, cancellationToken) is not { Problem: null } end)
        {
            problems.Add("the Proxmox VE version is not known: pveversion failed");
            return null;
        }

        var text = PlainText.Of(end.Output.Split((char[]?)null, 2, StringSplitOptions.RemoveEmptyEntries).FirstOrDefault(string.Empty), 200);
        pveVersion = (changed, text);
        return text;
    }

    private static List<string> Shortened(List<string> problems)
    {
        var distinct = problems.Distinct().ToList();
        var shown = distinct.Take(MostProblems).Select(problem => PlainText.Of(problem, 1000)).ToList();
        if (distinct.Count > MostProblems)
        {
            shown.Add($"and {distinct.Count - MostProblems} further problems");
        }

        return shown;
    }

    private static string? Joined(params ReadOnlySpan<string?> parts)
    {
        string? joined = null;
        foreach (var part in parts)
        {
            joined = part is null ? joined : joined is null ? part : $"{joined}; {part}";
        }

        return joined is null ? null : PlainText.Of(joined);
    }

    private const int MostProblems = 200;

    /// <summary>A guest as far as it is known from outside.</summary>
    private sealed record Look(GuestFile File, GuestConf? Conf, GuestStatus Status, string? Problem, ProcessStat? Vm);
}
