using System.Text.Json;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Proxmox;

/// <summary>The JSON of <c>ceph status</c>, as <c>pvesh get /cluster/ceph/status</c> passes it on.</summary>
internal static class CephStatus
{
    /// <summary>Its health. Muted checks are left out, as Ceph leaves them out of its verdict.</summary>
    /// <exception cref="JsonException">It is something else.</exception>
    public static CephSeen Parse(string json) => LenientJson.Read<CephSeen>(json, "Ceph's status", root =>
    {
        var health = LenientJson.Property(root, "health");
        if (health is not { } some || LenientJson.Text(some, "status") is not { } status)
        {
            throw new JsonException("there is no health in it");
        }

        var checks = new List<string>();
        foreach (var check in LenientJson.Members(LenientJson.Property(health, "checks")))
        {
            if (checks.Count < MostChecks && LenientJson.Property(check.Value, "muted") is not { ValueKind: JsonValueKind.True })
            {
                var message = LenientJson.Property(check.Value, "summary") is { } summary ? LenientJson.Text(summary, "message") : null;
                checks.Add(PlainText.Of($"{check.Name}: {message ?? "no message"}"));
            }
        }

        checks.Sort(StringComparer.Ordinal);
        return new(PlainText.Of(status, 40), checks, null);
    });

    private const int MostChecks = 100;
}
