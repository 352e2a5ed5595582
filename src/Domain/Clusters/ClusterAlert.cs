using System.Text.Json.Serialization;

namespace NannyOrleans.Domain.Clusters;

/// <summary>Something about a cluster that a person should know at a glance.</summary>
/// <param name="Level">How bad it is.</param>
/// <param name="Code">What it is, for programs.</param>
/// <param name="Text">What it is, for people.</param>
public sealed record ClusterAlert(AlertLevel Level, string Code, string Text)
{
    private const double AlmostFull = 0.9;

    /// <summary>A cluster's alerts, the worst first.</summary>
    public static IReadOnlyList<ClusterAlert> Of(ClusterOverview cluster, IReadOnlyList<NodeView> nodes) => [.. All(cluster, nodes).OrderByDescending(alert => alert.Level)];

    private static IEnumerable<ClusterAlert> All(ClusterOverview cluster, IReadOnlyList<NodeView> nodes)
    {
        if (cluster.Quorate is not true)
        {
            yield return new(cluster.Quorate is false ? AlertLevel.Error : AlertLevel.Warning, "quorum", cluster.QuorateReason ?? "quorum unknown");
        }
        else if (cluster is { Clustered: true, Votes: { Online: { } online } votes } && online == votes.Quorum && votes.Expected > votes.Quorum)
        {
            yield return new(AlertLevel.Warning, "last-vote", $"{online} of {votes.Expected} votes are online, which is just enough: one less, and the cluster stops");
        }

        foreach (var node in nodes)
        {
            if (node.Status is NodeStatus.Offline)
            {
                yield return new(AlertLevel.Error, "node-offline", $"{node.Name} does not report");
            }
            else if (node.Status is NodeStatus.Maintenance)
            {
                yield return new(AlertLevel.Info, "node-maintenance", $"{node.Name} is in maintenance");
            }
            else if (node.Status is NodeStatus.NoAgent)
            {
                yield return new(AlertLevel.Warning, "node-without-agent", $"{node.Name} has no agent: nothing is known of it");
            }

            foreach (var problem in node.Problems)
            {
                yield return new(AlertLevel.Warning, "node-problem", $"{node.Name}: {problem}");
            }
        }

        if (cluster.Ha is { Used: true } ha)
        {
            if (!ha.ManagerActive)
            {
                yield return new(AlertLevel.Error, "ha-manager", "HA's manager has not written its status lately");
            }

            foreach (var service in ha.ServicesInError)
            {
                yield return new(AlertLevel.Error, "ha-service", $"HA has given up {service}");
            }
        }

        if (cluster.Ceph is { Health: not "HEALTH_OK" } ceph)
        {
            yield return new(ceph.Health is "HEALTH_ERR" ? AlertLevel.Error : AlertLevel.Warning, "ceph", $"Ceph: {string.Join("; ", ceph.Checks is [] ? [ceph.Problem ?? ceph.Health ?? "its health is not known"] : ceph.Checks)}");
        }

        foreach (var storage in cluster.Storages.Where(storage => storage.Status is not "disabled"))
        {
            var where = storage.Node is { } node ? $" on {node}" : string.Empty;
            if (storage.Health is not (null or "ONLINE" or "HEALTH_OK"))
            {
                yield return new(AlertLevel.Error, "storage-health", $"Storage {storage.Name}{where} is {storage.Health}");
            }

            // Of a node that is silent nothing is known, which is said once.
            if (storage.Status is "unknown" && nodes.Any(node => node.Status is NodeStatus.Online or NodeStatus.Maintenance && (storage.Node is null || storage.Node == node.Name)))
            {
                yield return new(AlertLevel.Warning, "storage-unknown", $"Whether storage {storage.Name}{where} works is not known");
            }

            if (storage is { UsedBytes: { } used, TotalBytes: > 0 and var total } && used >= AlmostFull * total)
            {
                yield return new(AlertLevel.Warning, "storage-full", $"Storage {storage.Name}{where} is {100.0 * used / total:0} % full");
            }
        }
    }
}

/// <summary>How bad something is.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<AlertLevel>))]
public enum AlertLevel
{
    /// <summary>Somebody wanted it so.</summary>
    [JsonStringEnumMemberName("info")]
    Info,

    /// <summary>Soon it may be worse.</summary>
    [JsonStringEnumMemberName("warning")]
    Warning,

    /// <summary>Something does not work.</summary>
    [JsonStringEnumMemberName("error")]
    Error,
}
