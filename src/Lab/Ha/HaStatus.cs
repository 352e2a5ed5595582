using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace NannyOrleans.Lab.Ha;

/// <summary>One service in <c>manager_status</c>.</summary>
/// <param name="Node">Where the CRM has it.</param>
/// <param name="State">request_start, started, request_stop, stopped, migrate, relocate, freeze, fence, recovery or error.</param>
/// <param name="IsRunning">Whether the LRM said that it runs.</param>
/// <param name="Target">Where it is going, while it migrates or relocates.</param>
/// <param name="MaintenanceNode">Where it was before its node's maintenance: it goes back there.</param>
public sealed record ServiceStatus(string Node, string State, bool IsRunning = false, string? Target = null, string? MaintenanceNode = null);

/// <summary><c>ha/manager_status</c>, the CRM's own file.</summary>
/// <param name="Master">The node whose CRM is the master, or was.</param>
/// <param name="Nodes">online, maintenance, unknown or fence.</param>
/// <param name="Services">By sid.</param>
/// <param name="Requests">Nodes somebody asked something of; true while it is maintenance.</param>
/// <param name="Timestamp">The master's last word, in Unix seconds.</param>
public sealed record ManagerStatus(
    string Master, IReadOnlyDictionary<string, string> Nodes, IReadOnlyDictionary<string, ServiceStatus> Services, IReadOnlyDictionary<string, bool> Requests, long Timestamp)
{
    /// <summary>Whether a node is asked to be in maintenance.</summary>
    public bool WantsMaintenance(string node) => Requests.GetValueOrDefault(node);

    /// <summary>A node's state; unknown when the CRM has never heard of it.</summary>
    public string NodeState(string node) => Nodes.GetValueOrDefault(node, "unknown");

    /// <summary>The file. In Perl's there is no order of keys; here there is one.</summary>
    public string Format()
    {
        var services = Services.Select(s => KeyValuePair.Create(s.Key, Service(s.Key, s.Value)));
        var status = new JsonObject
        {
            ["master_node"] = Master,
            ["node_status"] = new JsonObject(Nodes.Select(n => KeyValuePair.Create(n.Key, (JsonNode?)n.Value))),
            ["service_status"] = new JsonObject(services),
            ["timestamp"] = Timestamp,
        };
        if (Requests.Count > 0)
        {
            status["node_request"] = new JsonObject(Requests.Select(r => KeyValuePair.Create(r.Key, (JsonNode?)(r.Value ? new JsonObject { ["maintenance"] = 1 } : []))));
        }

        return status.ToJsonString();
    }

    /// <summary>Reads the file; null without one.</summary>
    public static ManagerStatus? Read(string file)
    {
        if (!File.Exists(file)) { return null; }
        var status = JsonNode.Parse(File.ReadAllText(file))!;
        return new(
            (string)status["master_node"]!,
            status["node_status"]!.AsObject().ToDictionary(n => n.Key, n => (string)n.Value!),
            status["service_status"]!.AsObject().ToDictionary(s => s.Key, s => new ServiceStatus(
                (string)s.Value!["node"]!, (string)s.Value["state"]!, s.Value["running"] is not null, (string?)s.Value["target"], (string?)s.Value["maintenance_node"])),
            status["node_request"]?.AsObject().ToDictionary(r => r.Key, r => r.Value!["maintenance"] is not null) ?? [],
            (long)status["timestamp"]!);
    }

    private static JsonNode? Service(string sid, ServiceStatus s)
    {
        var row = new JsonObject { ["node"] = s.Node, ["state"] = s.State, ["uid"] = Uid(sid) };
        if (s.IsRunning && s.State is "started") { row["running"] = 1; }
        if (s.Target is not null) { row["target"] = s.Target; }
        if (s.MaintenanceNode is not null) { row["maintenance_node"] = s.MaintenanceNode; }
        return row;
    }

    /// <summary>22 characters that stay the same for a guest.</summary>
    private static string Uid(string sid) => Convert.ToBase64String(MD5.HashData(Encoding.UTF8.GetBytes(sid))).TrimEnd('=');
}

/// <summary><c>nodes/N/lrm_status</c>: every host has one, with HA in use or not.</summary>
/// <param name="Mode">active, maintenance or restart.</param>
/// <param name="State">wait_for_agent_lock, active or maintenance.</param>
/// <param name="Timestamp">In Unix seconds.</param>
public sealed record LrmStatus(string Mode, string State, long Timestamp)
{
    /// <summary>Of a node where nothing was ever managed.</summary>
    public static LrmStatus Idle { get; } = new("active", "wait_for_agent_lock", 0);

    /// <summary>Whether it holds its lock, and with it the watchdog.</summary>
    public bool IsArmed => State is "active" or "maintenance";

    /// <summary>The file.</summary>
    public string Format() => string.Create(CultureInfo.InvariantCulture,
        $"{{\"mode\":\"{Mode}\",\"results\":{{}},\"state\":\"{State}\",\"timestamp\":{Timestamp}}}");

    /// <summary>Reads the file; <see cref="Idle"/> without one.</summary>
    public static LrmStatus Read(string file)
    {
        if (!File.Exists(file)) { return Idle; }
        var status = JsonNode.Parse(File.ReadAllText(file))!;
        return new((string)status["mode"]!, (string)status["state"]!, (long)status["timestamp"]!);
    }
}
