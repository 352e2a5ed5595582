using System.Text.Json;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Inventories;

/// <summary>The cluster as this host sees it: pmxcfs' files, and two programs where a quorum device or Ceph is configured.</summary>
internal sealed class ClusterFacts(Host host, PveCalls calls)
{
    private readonly Programs programs = new(host);

    /// <summary>The cluster; null when it cannot be told.</summary>
    public async Task<ClusterSeen?> Read(
        PveFiles files, HaFiles ha, IReadOnlyDictionary<Vmid, GuestPlace>? places, List<string> problems, CancellationToken cancellationToken)
    {
        if (files.Members is null)
        {
            return null;
        }

        try
        {
            var seen = ClusterFiles.ParseMembers(files.Members, files.Corosync);
            if (seen is { Clustered: true } && files.Corosync is null)
            {
                problems.Add("corosync.conf could not be read: votes are not known");
            }

            return seen with
            {
                QDevice = seen.QDevice is { } device ? await Asked(device, problems, cancellationToken) : null,
                Ha = ha.Seen is { Used: true, Lrms: { } lrms } used ? used with { Lrms = OfMembers(seen, lrms) } : ha.Seen,
                Ceph = files.HasCeph ? await Ceph(cancellationToken) : null,
                GuestsByNode = places is null ? null : ByNode(seen, places),
            };
        }
        catch (JsonException e)
        {
            problems.Add(e.Message);
            return null;
        }
    }

    // The directory of a node that has left may stay for ever; a member without the file has a local manager that never ran.
    private static SortedDictionary<string, LrmSeen> OfMembers(ClusterSeen seen, IReadOnlyDictionary<string, LrmSeen> lrms)
    {
        var found = new SortedDictionary<string, LrmSeen>(StringComparer.Ordinal);
        foreach (var member in seen.Members)
        {
            found[member.Node.Value] = lrms.GetValueOrDefault(member.Node.Value) ?? new("unknown", "unknown", Alive: false);
        }

        return found;
    }

    private async Task<QDeviceSeen> Asked(QDeviceSeen device, List<string> problems, CancellationToken cancellationToken)
    {
        // Not one of Proxmox VE's: a small C program. Without quorum it says all the same and exits 2.
        var end = await programs.Run("corosync-quorumtool", ["-s"], QuickLimit, 256 * 1024, cancellationToken);
        var voting = QuorumTool.DeviceVotes(end.Output);
        if (voting is null)
        {
            problems.Add(end.Problem ?? "corosync-quorumtool does not say whether the quorum device votes");
        }

        return device with { Voting = voting };
    }

    private async Task<CephSeen> Ceph(CancellationToken cancellationToken)
    {
        var end = await calls.Run("pvesh", ["get", "/cluster/ceph/status", "--output-format", "json"], SlowLimit, 4 * 1024 * 1024, cancellationToken);
        if (end is not { Problem: null })
        {
            return new(null, [], PlainText.Of(end?.Problem ?? "Ceph has not been asked yet: other commands came first in this round"));
        }

        try
        {
            return CephStatus.Parse(end.Output);
        }
        catch (JsonException e)
        {
            return new(null, [], e.Message);
        }
    }

    private static Dictionary<NodeName, IReadOnlyList<Vmid>> ByNode(ClusterSeen seen, IReadOnlyDictionary<Vmid, GuestPlace> places)
    {
        var found = new Dictionary<NodeName, IReadOnlyList<Vmid>>();
        foreach (var member in seen.Members)
        {
            found[member.Node] = new List<Vmid>();
        }

        foreach (var (vmid, place) in places)
        {
            if (!found.TryGetValue(place.Node, out var there))
            {
                found[place.Node] = there = new List<Vmid>(); // the directory of a node that has left
            }

            ((List<Vmid>)there).Add(vmid);
        }

        foreach (var there in found.Values)
        {
            ((List<Vmid>)there).Sort();
        }

        return found;
    }

    private static readonly TimeSpan QuickLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan SlowLimit = TimeSpan.FromSeconds(30);
}
