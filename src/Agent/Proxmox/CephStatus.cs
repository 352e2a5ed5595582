using System.Text;
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

    /// <summary>The flags of the OSD map, by the beginning of <c>ceph osd dump --format json</c>, where they are; null when they are not there.</summary>
    public static IReadOnlyList<string>? Flags(string dump)
    {
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(dump), isFinalBlock: false, default);
        try
        {
            while (reader.Read())
            {
                if (reader is { TokenType: JsonTokenType.PropertyName, CurrentDepth: 1 } && reader.ValueTextEquals("flags"u8))
                {
                    return reader.Read() && reader.TokenType is JsonTokenType.String ? reader.GetString()!.Split(',', StringSplitOptions.RemoveEmptyEntries) : null;
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null; // no JSON, or half a surrogate pair: the caller says that they are not known
        }

        return null;
    }

    private const int MostChecks = 100;
}
