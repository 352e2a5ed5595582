using System.Text.Json;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Inventories;

/// <summary>
/// Collects what this host says about itself. Files wherever a file says it: each Proxmox command costs most of a CPU second.
/// Not for use from two places at once.
/// </summary>
internal sealed class InventoryCollector(Host host, NodeName node, BoundedReads reads, string agentVersion, TimeSpan interval, TimeProvider clock)
{
    private readonly Programs programs = new(host);
    private readonly OsReleases osReleases = new(host, clock);
    private (DateTime DpkgChanged, string Text)? pveVersion;

    /// <summary>One full inventory. What cannot be read is a problem in it, never an exception and never a guess.</summary>
    public async Task<Inventory> Collect(CancellationToken cancellationToken)
    {
        var problems = new List<string>();
        var files = await ReadFiles(cancellationToken);
        problems.AddRange(files.Problems);
        var confs = Guests(files, problems);
        var guests = confs is null ? null : await Describe(confs, problems, cancellationToken);
        return new(
            clock.GetUtcNow(),
            agentVersion,
            Hostname(problems),
            await PveVersion(problems, cancellationToken),
            host.BootId(),
            Cluster(files, problems),
            guests,
            [.. problems.Select(problem => PlainText.Of(problem, 1000))])
        {
            IntervalSeconds = (int)interval.TotalSeconds,
        };
    }

    private async Task<PveFiles> ReadFiles(CancellationToken cancellationToken)
    {
        try
        {
            return await reads.Read(host.At("/etc/pve"), () => PveFiles.Read(host, node), cancellationToken);
        }
        catch (UnreadableException e)
        {
            return new(null, null, null, null, null, [e.Message]);
        }
    }

    /// <summary>The node's guests by their files; null when those do not say for sure.</summary>
    private List<ConfSeen>? Guests(PveFiles files, List<string> problems)
    {
        if (files.Lxc is null || files.Qemu is null)
        {
            return null;
        }

        var guests = new List<ConfSeen>();
        foreach (var (type, file, text) in files.Lxc.Select(conf => (GuestType.Lxc, conf.Key, conf.Value))
            .Concat(files.Qemu.Select(conf => (GuestType.Qemu, conf.Key, conf.Value))))
        {
            if (!Vmid.TryParse(Path.GetFileNameWithoutExtension(file), null, out var vmid))
            {
                problems.Add($"{file} is not named after a vmid ({Vmid.Smallest} to {Vmid.Largest}) and is left out; it can break pct list");
            }
            else
            {
                guests.Add(new(vmid, type, text));
            }
        }

        return AgreesWithVmList(files.VmList, guests, problems) ? [.. guests.OrderBy(guest => guest.Vmid)] : null;
    }

    // pmxcfs keeps .vmlist from the same files. A directory that is empty while the list is not, or cannot be compared, is no "none".
    private bool AgreesWithVmList(string? vmlist, List<ConfSeen> guests, List<string> problems)
    {
        if (vmlist is null)
        {
            return guests.Count > 0;
        }

        try
        {
            var listed = ClusterFiles.ParseVmList(vmlist, node);
            var missing = listed.Keys.Except(guests.Select(guest => guest.Vmid)).Order().ToList();
            if (missing.Count > 0)
            {
                problems.Add($".vmlist has guests on this node without a file: {string.Join(", ", missing)}");
            }

            return guests.Count > 0 || missing.Count is 0;
        }
        catch (JsonException e)
        {
            problems.Add(e.Message);
            return guests.Count > 0;
        }
    }

    private async Task<IReadOnlyList<GuestSeen>> Describe(List<ConfSeen> guests, List<string> problems, CancellationToken cancellationToken)
    {
        var lxc = await Statuses("pct", GuestLists.ParsePct, guests.Any(guest => guest.Type is GuestType.Lxc), problems, cancellationToken);
        var qemu = await Statuses("qm", GuestLists.ParseQm, guests.Any(guest => guest.Type is GuestType.Qemu), problems, cancellationToken);
        osReleases.BeginCycle(guests.Where(guest => guest.Type is GuestType.Lxc).Select(guest => guest.Vmid));
        var seen = new List<GuestSeen>();
        foreach (var guest in guests)
        {
            var statuses = guest.Type is GuestType.Lxc ? lxc : qemu;
            var (status, problem) = statuses switch
            {
                { Problem: { } failed } => (GuestStatus.Unknown, failed),
                _ when !statuses.Found.TryGetValue(guest.Vmid, out var listed) => (GuestStatus.Unknown, $"{statuses.Command} does not show it"),
                _ when statuses.Found[guest.Vmid] is GuestStatus.Unknown => (GuestStatus.Unknown, $"{statuses.Command} shows a status that is not known"),
                _ => (statuses.Found[guest.Vmid], (string?)null),
            };

            if (guest.Conf is null)
            {
                seen.Add(new(guest.Vmid, guest.Type, new GuestConf(null, null, null, false).ShownName(guest.Type, guest.Vmid), status, null, null, null, Template: false, "its configuration could not be read"));
                continue;
            }

            var conf = GuestConf.Parse(guest.Conf);
            var os = guest.Type is GuestType.Lxc && !conf.Template
                ? await osReleases.Of(guest.Vmid, status, guest.Conf, cancellationToken)
                : default;
            seen.Add(new(
                guest.Vmid,
                guest.Type,
                PlainText.Of(conf.ShownName(guest.Type, guest.Vmid), 200),
                status,
                conf.OsType is { } osType ? PlainText.Of(osType, 40) : null,
                os.Release,
                conf.Lock is { } held ? PlainText.Of(held, 40) : null,
                conf.Template,
                Joined(problem, os.Problem)));
        }

        return seen;
    }

    private async Task<StatusList> Statuses(
        string program,
        Func<string, IReadOnlyDictionary<Vmid, GuestStatus>> parse,
        bool wanted,
        List<string> problems,
        CancellationToken cancellationToken)
    {
        var command = $"{program} list";
        if (!wanted)
        {
            return new(command, new Dictionary<Vmid, GuestStatus>(), null); // no guest of this kind has a file: nothing to ask
        }

        var end = await programs.Run(program, ["list"], ListLimit, 4 * 1024 * 1024, cancellationToken);
        if (end.Problem is { } problem)
        {
            problems.Add(problem);
            return new(command, new Dictionary<Vmid, GuestStatus>(), PlainText.Of(problem));
        }

        return new(command, parse(end.Output), null);
    }

    private static ClusterSeen? Cluster(PveFiles files, List<string> problems)
    {
        if (files.Members is null)
        {
            return null;
        }

        try
        {
            return ClusterFiles.ParseMembers(files.Members, files.Corosync);
        }
        catch (JsonException e)
        {
            problems.Add(e.Message);
            return null;
        }
    }

    private string Hostname(List<string> problems)
    {
        try
        {
            return host.Hostname();
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

        var end = await programs.Run("pveversion", [], TimeSpan.FromSeconds(30), 4096, cancellationToken);
        if (end.Problem is { } problem)
        {
            problems.Add(problem);
            return null;
        }

        var text = PlainText.Of(end.Output.Split((char[]?)null, 2, StringSplitOptions.RemoveEmptyEntries).FirstOrDefault(string.Empty), 200);
        pveVersion = (changed, text);
        return text;
    }

    private static string? Joined(string? one, string? other) => (one, other) switch
    {
        (null, null) => null,
        (null, _) => other,
        (_, null) => one,
        _ => $"{one}; {other}",
    };

    private static readonly TimeSpan ListLimit = TimeSpan.FromSeconds(60);

    private sealed record ConfSeen(Vmid Vmid, GuestType Type, string? Conf);

    private sealed record StatusList(string Command, IReadOnlyDictionary<Vmid, GuestStatus> Found, string? Problem);
}
