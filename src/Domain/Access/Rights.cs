using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Domain.Access;

/// <summary>What somebody may do: what was granted to the person, as far as the token shown reaches.</summary>
/// <param name="Grants">The person's roles.</param>
/// <param name="Scope">What the token is good for at most.</param>
public sealed record Rights(IReadOnlyList<Grant> Grants, Powers Scope = Powers.All)
{
    /// <summary>No right at all.</summary>
    public static Rights None { get; } = new([]);

    /// <summary>What may be done on one cluster or machine.</summary>
    public Powers On(ClusterId cluster) => Sum(Grants.Where(grant => grant.Cluster is null || grant.Cluster == cluster));

    /// <summary>What may be done on all of them, those that are yet to come included.</summary>
    public Powers Everywhere => Sum(Grants.Where(grant => grant.Cluster is null));

    /// <summary>What may be done on one of them at least.</summary>
    public Powers Anywhere => Sum(Grants);

    /// <summary>What may be looked at.</summary>
    public Sight Sight => Allowed(Powers.View);

    /// <summary>Where something may be done.</summary>
    public Sight Allowed(Powers permission) => Everywhere.HasFlag(permission) ? Sight.All
        : new(Grants.Select(grant => grant.Cluster).OfType<ClusterId>().Where(cluster => On(cluster).HasFlag(permission)).ToHashSet());

    private Powers Sum(IEnumerable<Grant> grants) => grants.Aggregate(Powers.None, (sum, grant) => sum | grant.Powers) & Scope;
}

/// <summary>Which clusters and machines are there for somebody; the others are as if they were not.</summary>
/// <param name="Clusters">These; null: all.</param>
public sealed record Sight(IReadOnlySet<ClusterId>? Clusters)
{
    /// <summary>Everything.</summary>
    public static Sight All { get; } = new((IReadOnlySet<ClusterId>?)null);

    /// <summary>Whether one is there.</summary>
    public bool Sees(ClusterId cluster) => Clusters is null || Clusters.Contains(cluster);
}
