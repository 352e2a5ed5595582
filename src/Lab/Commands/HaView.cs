using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using NannyOrleans.Lab.Cluster;

namespace NannyOrleans.Lab.Commands;

/// <summary>What HA says, in the three forms it says it: rows of the API, lines of `ha-manager status`, and the state itself.</summary>
internal sealed class HaView(LabHost host)
{
    /// <summary>Seconds after which the last word of a daemon is an old one.</summary>
    private const int Stale = 30;

    private readonly JsonNode? manager = Read($"{host.EtcPve}/ha/manager_status");
    private readonly long now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();

    /// <summary>Whether there was ever a master.</summary>
    public bool WasUsed => manager is not null;

    public IReadOnlyList<HaResource> Resources => HaFiles.Resources(
        File.Exists($"{host.EtcPve}/ha/resources.cfg") ? File.ReadAllText($"{host.EtcPve}/ha/resources.cfg") : "");

    /// <summary>The CRM's word on a node, such as <c>online</c>; null when HA was never used.</summary>
    public string? NodeState(string node) => (string?)manager?["node_status"]?[node];

    /// <summary>The CRM's word on a guest; null when it is not managed.</summary>
    public string? ServiceState(int vmid) => Resources.FirstOrDefault(r => r.Vmid == vmid) is { } r ? (string?)manager?["service_status"]?[r.Sid]?["state"] : null;

    /// <summary>What a guest's status/current says of HA.</summary>
    public JsonObject OfGuest(int vmid) => Resources.FirstOrDefault(r => r.Vmid == vmid) is { } r
        ? PerlJson.Object(("managed", 1), ("state", r.State))
        : PerlJson.Object(("managed", 0));

    /// <summary>/cluster/ha/status/current. Since ha-manager 5.1.3 there is a row about fencing, and a word on the watchdog.</summary>
    public JsonArray Current()
    {
        var rows = new JsonArray(PerlJson.Object(
            ("id", "quorum"), ("node", host.Name), ("quorate", host.IsQuorate ? 1 : 0),
            ("status", host.IsQuorate ? "OK" : $"No quorum on node '{host.Name}'!"), ("type", "quorum")));
        var told = host.Release.Major >= 9;
        var timestamp = (long?)manager?["timestamp"] ?? 0;
        var isActive = WasUsed && now - timestamp <= Stale;
        if (WasUsed)
        {
            var master = (string)manager!["master_node"]!;
            rows.Add((JsonNode)PerlJson.Object(
                ("id", "master"), ("node", master), ("status", $"{master} ({(isActive ? "active" : "old timestamp - dead?")}, {At(timestamp)})"),
                ("timestamp", timestamp), ("type", "master")));
        }

        if (told)
        {
            var armed = isActive && host.IsQuorate;
            rows.Add((JsonNode)PerlJson.Object(
                ("armed-state", armed ? "armed" : "standby"), ("id", "fencing"), ("node", host.Name),
                ("status", armed ? "armed (CRM watchdog active)" : "standby (CRM watchdog standby)"), ("type", "fencing")));
        }

        foreach (var node in host.Plan.Hosts.Where(_ => WasUsed).Select(h => h.Name).Order(StringComparer.Ordinal)) { rows.Add((JsonNode)Lrm(node, told)); }

        foreach (var resource in Resources.OrderBy(r => r.Sid, StringComparer.Ordinal)) { rows.Add((JsonNode)Service(resource)); }
        return rows;
    }

    /// <summary>/cluster/ha/status/manager_status: without a master nearly nothing is in it.</summary>
    public JsonObject State()
    {
        var state = PerlJson.Object(
            ("manager_status", manager?.DeepClone() ?? PerlJson.Object(("node_status", new JsonObject()))),
            ("quorum", PerlJson.Object(("node", host.Name), ("quorate", host.IsQuorate ? "1" : ""))));
        if (!WasUsed) { return state; }
        var lrm = new JsonObject();
        foreach (var node in host.Plan.Hosts) { lrm[node.Name] = Read($"{host.EtcPve}/nodes/{node.Name}/lrm_status") ?? new JsonObject(); }
        state["lrm_status"] = lrm;
        return state;
    }

    /// <summary>`ha-manager status`: a line for each row.</summary>
    public string Lines()
    {
        var text = new StringBuilder();
        foreach (var row in Current()) { text.Append(CultureInfo.InvariantCulture, $"{row!["type"]} {row["status"]}\n"); }
        return text.ToString();
    }

    private JsonObject Lrm(string node, bool told)
    {
        var status = Read($"{host.EtcPve}/nodes/{node}/lrm_status");
        var row = PerlJson.Object(("id", $"lrm:{node}"), ("node", node), ("type", "lrm"));
        if (status is null)
        {
            row["status"] = $"{node} (unable to read lrm status)";
            return row;
        }

        var timestamp = (long)status["timestamp"]!;
        var hasServices = manager!["service_status"]!.AsObject().Any(s => (string?)s.Value!["node"] == node);
        var state = (string)status["state"]!;
        var mode = (string)status["mode"]!;
        // Maintenance is told of whatever the time says.
        var word = mode is "maintenance" ? "maintenance mode" : now - timestamp > Stale ? "old timestamp - dead?" : mode is not "active" ? $"{mode} mode"
            : state is "wait_for_agent_lock" && !hasServices ? "idle" : state;
        var watchdog = state is "active" or "maintenance" && word is not "old timestamp - dead?" ? "watchdog active" : "watchdog standby";
        row["status"] = told ? $"{node} ({word}, {watchdog}, {At(timestamp)})" : $"{node} ({word}, {At(timestamp)})";
        row["timestamp"] = timestamp;
        return row;
    }

    private JsonObject Service(HaResource resource)
    {
        var node = (string?)manager?["service_status"]?[resource.Sid]?["node"] ?? host.Plan.Hosts.Select(h => h.Name)
            .FirstOrDefault(n => Path.Exists($"{host.EtcPve}/nodes/{n}/lxc/{resource.Vmid}.conf") || Path.Exists($"{host.EtcPve}/nodes/{n}/qemu-server/{resource.Vmid}.conf"), host.Name);
        var crm = (string?)manager?["service_status"]?[resource.Sid]?["state"];
        var row = PerlJson.Object(
            ("id", $"service:{resource.Sid}"), ("max_relocate", 1), ("max_restart", 1), ("node", node), ("request_state", resource.State),
            ("sid", resource.Sid), ("state", crm ?? "queued"), ("status", $"{resource.Sid} ({node}, {crm ?? "queued"})"), ("type", "service"));
        if (crm is not null) { row["crm_state"] = crm; }
        if (host.Release.Major >= 9) { row["failback"] = 1; }
        return row;
    }

    private static JsonNode? Read(string file) => File.Exists(file) ? JsonNode.Parse(File.ReadAllText(file)) : null;

    private static string At(long timestamp) => $"{Local(timestamp):ddd MMM} {Local(timestamp).Day,2} {Local(timestamp):HH:mm:ss yyyy}";

    private static DateTimeOffset Local(long timestamp) => DateTimeOffset.FromUnixTimeSeconds(timestamp).ToLocalTime();
}
