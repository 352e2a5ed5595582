namespace NannyOrleans.Lab.Cluster;

/// <summary>Who sees whom, and who leads: the decisions corosync and pmxcfs take from the hosts' states.</summary>
public static class Membership
{
    /// <summary>Whether <paramref name="host"/> is in a quorate partition. A host that is off sees nothing.</summary>
    /// <remarks>A stopped pmxcfs takes no vote away: corosync casts it.</remarks>
    public static bool IsQuorate(HostState host, IReadOnlyCollection<HostState> all, Qdevice qdevice = default) =>
        host.IsOn && Quorum.Holds(Votes(host, all, qdevice), Expected(all, qdevice));

    /// <summary>The votes that count where a host is.</summary>
    public static int Votes(HostState host, IReadOnlyCollection<HostState> all, Qdevice qdevice) =>
        all.Where(h => Reaches(host, h)).Sum(h => h.Votes) + (host.IsOn && host.Island.Length is 0 ? qdevice.Cast : 0);

    /// <summary>The votes there would be with everybody on.</summary>
    public static int Expected(IReadOnlyCollection<HostState> all, Qdevice qdevice) => all.Sum(h => h.Votes) + qdevice.Votes;

    /// <summary>Whether <paramref name="seer"/>'s <c>.members</c> shows <paramref name="other"/> as online.</summary>
    /// <remarks>pmxcfs counts its own peers here, not corosync's: a host whose pmxcfs is gone is offline in this file and yet votes.</remarks>
    public static bool SeesOnline(HostState seer, HostState other) => seer.HasPmxcfs && other.HasPmxcfs && Reaches(seer, other);

    /// <summary>Whether two hosts are on and the network between them is whole: for corosync, ssh and all else.</summary>
    public static bool Reaches(HostState from, HostState to) => from.IsOn && to.IsOn && from.Island == to.Island;

    /// <summary>The host whose copy of /etc/pve the others take, or null when no pmxcfs runs. Most writes win, then the lowest id.</summary>
    public static HostState? Leader(IEnumerable<HostState> inOrderOfIds) =>
        inOrderOfIds.Where(h => h.HasPmxcfs).MaxBy(h => h.Replica);

    /// <summary>Which hosts now see another membership than before: their <c>.members</c> counts up.</summary>
    public static bool SeesChange(HostState seer, IReadOnlyCollection<HostState> before, IReadOnlyCollection<HostState> after, Qdevice qdevice = default)
    {
        var was = before.Single(h => h.Name == seer.Name);
        return IsQuorate(was, before, qdevice) != IsQuorate(seer, after, qdevice)
            || before.Zip(after).Any(pair => SeesOnline(was, pair.First) != SeesOnline(seer, pair.Second));
    }
}
