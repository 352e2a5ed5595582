using System.Text.Json;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Proxmox;

/// <summary>pmxcfs' own files with dots: what it knows of the cluster right now.</summary>
internal static class ClusterFiles
{
    /// <summary>
    /// Reads <c>.members</c>. A standalone host has only <c>nodename</c> and counts as quorate with one vote.
    /// </summary>
    /// <param name="members">The file.</param>
    /// <param name="corosync">corosync.conf; null when it could not be read (or, standalone, does not exist).</param>
    /// <exception cref="JsonException">It is not the JSON that pmxcfs writes.</exception>
    public static ClusterSeen ParseMembers(string members, string? corosync)
    {
        using var document = Json(members, ".members");
        var root = document.RootElement;
        var me = Text(root, "nodename");
        if (!root.TryGetProperty("cluster", out var cluster))
        {
            return new(me, Quorate: true, [new(Node(me), Online: true, Votes: 1)]);
        }

        var votes = corosync is null ? null : CorosyncConf.Votes(corosync);
        var list = Property(root, "nodelist", JsonValueKind.Object).EnumerateObject().Select(member => new MemberSeen(
            Node(member.Name),
            Number(member.Value, "online") is 1,
            votes is not null && votes.TryGetValue(member.Name, out var count) ? count : null));
        return new(Text(cluster, "name"), Number(cluster, "quorate") is 1, [.. list]);
    }

    /// <summary>The guests that <c>.vmlist</c> places on <paramref name="node"/>. <c>ids</c> is absent when there are none anywhere.</summary>
    /// <exception cref="JsonException">It is not the JSON that pmxcfs writes.</exception>
    public static IReadOnlyDictionary<Vmid, GuestType> ParseVmList(string vmlist, NodeName node)
    {
        using var document = Json(vmlist, ".vmlist");
        var found = new Dictionary<Vmid, GuestType>();
        if (!document.RootElement.TryGetProperty("ids", out var ids))
        {
            return found;
        }

        foreach (var guest in ids.EnumerateObject())
        {
            // An id below 100 can stand here when somebody put such a file there; Proxmox itself does not list it.
            if (Vmid.TryParse(guest.Name, null, out var vmid) && Text(guest.Value, "node") == node.Value)
            {
                found[vmid] = Text(guest.Value, "type") switch
                {
                    "lxc" => GuestType.Lxc,
                    "qemu" => GuestType.Qemu,
                    var other => throw new JsonException($".vmlist: {vmid} has the type '{PlainText.Of(other)}'"),
                };
            }
        }

        return found;
    }

    private static JsonDocument Json(string text, string file)
    {
        try
        {
            var document = JsonDocument.Parse(text);
            return document.RootElement.ValueKind is JsonValueKind.Object ? document : throw new JsonException($"{file} is not a JSON object");
        }
        catch (JsonException e)
        {
            throw new JsonException($"{file}: {e.Message}", e);
        }
    }

    private static NodeName Node(string name) =>
        NodeName.TryParse(name, null, out var node) ? node : throw new JsonException($".members: '{PlainText.Of(name)}' is not a node name");

    private static string Text(JsonElement parent, string name) => Property(parent, name, JsonValueKind.String).GetString()!;

    private static int Number(JsonElement parent, string name) => Property(parent, name, JsonValueKind.Number).TryGetInt32(out var number)
        ? number
        : throw new JsonException($"{name} is not a whole number");

    private static JsonElement Property(JsonElement parent, string name, JsonValueKind kind) =>
        parent.ValueKind is JsonValueKind.Object && parent.TryGetProperty(name, out var value) && value.ValueKind == kind
            ? value
            : throw new JsonException($"{name} is missing or no {kind}");
}
