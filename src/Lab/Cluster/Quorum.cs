namespace NannyOrleans.Lab.Cluster;

/// <summary>Corosync's vote counting, as much of it as a lab needs.</summary>
public static class Quorum
{
    /// <summary>Votes needed: more than half of the expected ones. Lost hosts do not lower the expectation.</summary>
    public static int Needed(int expectedVotes) => (expectedVotes / 2) + 1;

    /// <summary>Whether <paramref name="onlineVotes"/> are enough. A host that was never in a cluster always is.</summary>
    public static bool Holds(int onlineVotes, int expectedVotes) => onlineVotes >= Needed(expectedVotes);
}
