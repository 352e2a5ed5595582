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
    public static ClusterSeen ParseMembers(string members, string? corosync) => LenientJson.Read<ClusterSeen>(members, ".members", root =>
    {
        var me = Text(root, "nodename");
        if (!root.TryGetProperty("cluster", out var cluster))
        {
            return new(PlainText.Of(me, 200), Quorate: true, [new(Node(me), Online: true, Votes: 1)]) { Clustered = false };
        }

        var conf = corosync is null ? null : CorosyncConf.Parse(corosync);
        var list = new List<MemberSeen>();
        foreach (var member in Property(root, "nodelist", JsonValueKind.Object).EnumerateObject())
        {
            list.Add(new(
                Node(member.Name),
                Number(member.Value, "online") is 1,
                conf is not null && conf.Votes.TryGetValue(member.Name, out var count) ? count : null));
        }

        return new(PlainText.Of(Text(cluster, "name"), 200), Number(cluster, "quorate") is 1, list) { Clustered = true, QDevice = conf?.QDevice };
    });

    /// <summary>Where <c>.vmlist</c> places every guest of the cluster. <c>ids</c> is absent when there are none anywhere.</summary>
    /// <exception cref="JsonException">It is not the JSON that pmxcfs writes.</exception>
    public static IReadOnlyDictionary<Vmid, GuestPlace> ParseVmList(string vmlist) => LenientJson.Read(vmlist, ".vmlist", root =>
    {
        var found = new Dictionary<Vmid, GuestPlace>();
        if (!root.TryGetProperty("ids", out _))
        {
            return found;
        }

        foreach (var guest in Property(root, "ids", JsonValueKind.Object).EnumerateObject())
        {
            // An id below 100 can stand here when somebody put such a file there; Proxmox itself does not list it.
            if (Vmid.TryParse(guest.Name, null, out var vmid))
            {
                found[vmid] = (NodeName.TryParse(Text(guest.Value, "node"), null, out var node), Text(guest.Value, "type")) switch
                {
                    (true, "lxc") => new(node, GuestType.Lxc),
                    (true, "qemu") => new(node, GuestType.Qemu),
                    _ => throw new JsonException($"{vmid} is on no node or of no known type"),
                };
            }
        }

        return found;
    });

    private static NodeName Node(string name) =>
        NodeName.TryParse(name, null, out var node) ? node : throw new JsonException($"'{PlainText.Of(name)}' is not a node name");

    private static string Text(JsonElement parent, string name) => Property(parent, name, JsonValueKind.String).GetString()!;

    private static int Number(JsonElement parent, string name) => Property(parent, name, JsonValueKind.Number).TryGetInt32(out var number)
        ? number
        : throw new JsonException($"{name} is not a whole number");

    private static JsonElement Property(JsonElement parent, string name, JsonValueKind kind) =>
        parent.ValueKind is JsonValueKind.Object && parent.TryGetProperty(name, out var value) && value.ValueKind == kind
            ? value
            : throw new JsonException($"{name} is missing or no {kind}");
}

/// <summary>What <c>.vmlist</c> says of a guest.</summary>
/// <param name="Node">The node whose directory has its file.</param>
/// <param name="Type">CT or VM.</param>
internal sealed record GuestPlace(NodeName Node, GuestType Type);
