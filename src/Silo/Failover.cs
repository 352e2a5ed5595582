using Orleans.Configuration;

namespace NannyOrleans.Silo;

/// <summary>
/// How soon silos find out that one of them is gone. A dead one refuses connections, and three probes that fail at once are enough. One that hangs has
/// to be silent for six seconds, as two others see it, before anybody votes against it: a pause of three seconds (a long garbage collection, a live
/// migration of the silo's own guest) evicts nobody. What that comes to is measured by <c>./nanny bench failover</c>.
/// </summary>
internal static class Failover
{
    /// <summary>Of silos.</summary>
    public static void Configure(ClusterMembershipOptions membership)
    {
        // What the time is at first; Orleans adapts it to how long answers take, down to half of it. It is the time between two probes as well.
        membership.ProbeTimeout = TimeSpan.FromSeconds(1);

        // Up to this, which times the number of probes is for how long an open connection has to be silent before it counts.
        membership.MaxProbeTimeout = TimeSpan.FromSeconds(2);
        membership.NumMissedProbesLimit = 3;

        // One alone may be the one whose network is broken.
        membership.NumVotesForDeathDeclaration = 2;
        membership.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(10);

        // By which one that was frozen learns that it was declared dead. Until then it answers from a memory that is old, and is refused each write.
        membership.TableRefreshTimeout = TimeSpan.FromSeconds(5);
    }

    /// <summary>Of silos and clients. A machine without power refuses no connection, it says nothing.</summary>
    public static void Configure(ConnectionOptions connections) => connections.OpenConnectionTimeout = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Of clients. A frozen silo's connection stays open, and calls go down it until the list says that it is gone: this much is added to the time
    /// that the silos take. It is one small query.
    /// </summary>
    public static void Configure(GatewayOptions gateways) => gateways.GatewayListRefreshPeriod = TimeSpan.FromSeconds(1);
}
