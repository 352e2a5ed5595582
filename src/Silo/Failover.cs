using Orleans.Configuration;

namespace NannyOrleans.Silo;

/// <summary>
/// How soon silos find out that one of them is gone. A dead one's connections break and it is suspected at once; one that hangs has to miss three
/// probes of two seconds, as two others see it. What that comes to is measured by <c>./nanny bench failover</c>; a pause of three seconds (a long
/// garbage collection, a live migration of the silo's own guest) evicts nobody.
/// </summary>
internal static class Failover
{
    /// <summary>Of silos.</summary>
    public static void Configure(ClusterMembershipOptions membership)
    {
        membership.ProbeTimeout = TimeSpan.FromSeconds(2);

        // By default it grows up to a multiple where many probes fail, which is when it is waited for.
        membership.MaxProbeTimeout = TimeSpan.FromSeconds(2);
        membership.NumMissedProbesLimit = 3;

        // One alone may be the one whose network is broken.
        membership.NumVotesForDeathDeclaration = 2;
        membership.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(10);
        membership.TableRefreshTimeout = TimeSpan.FromSeconds(30);
    }

    /// <summary>Of silos and clients. A machine without power refuses no connection, it says nothing.</summary>
    public static void Configure(ConnectionOptions connections) => connections.OpenConnectionTimeout = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Of clients. A frozen silo's connection stays open, and calls go down it until the list says that it is gone: this much is added to the time
    /// that the silos take. It is one small query.
    /// </summary>
    public static void Configure(GatewayOptions gateways) => gateways.GatewayListRefreshPeriod = TimeSpan.FromSeconds(1);
}
