namespace NannyOrleans.Lab.Cluster;

/// <summary>The vote of a host outside the cluster, as corosync counts it at this moment.</summary>
/// <param name="Votes">What it adds to the expected votes; 0 when the cluster has none.</param>
/// <param name="IsCasting">Whether it answers and gives its votes to the hosts that are on.</param>
/// <remarks>A lab has one partition only, so the algorithm (ffsplit or lms) makes no difference to who gets them.</remarks>
public readonly record struct Qdevice(int Votes, bool IsCasting)
{
    /// <summary>The votes it gives now.</summary>
    public int Cast => IsCasting ? Votes : 0;
}
