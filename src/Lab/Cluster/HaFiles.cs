using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace NannyOrleans.Lab.Cluster;

/// <summary>One guest HA looks after.</summary>
/// <param name="Sid"><c>ct:100</c> or <c>vm:200</c>.</param>
/// <param name="State">What was asked for: started, stopped, disabled, ignored.</param>
public sealed record HaResource(string Sid, string State)
{
    /// <summary>The guest's id.</summary>
    public int Vmid => int.Parse(Sid[3..], CultureInfo.InvariantCulture);
}

/// <summary>A managed guest as the CRM sees it.</summary>
public sealed record HaService(HaResource Resource, string Node, bool IsRunning)
{
    /// <summary>What <c>manager_status</c> says of it. The lab's CRM is done at once: nothing is ever under way.</summary>
    public string State => Resource.State is "started" ? "started" : "stopped";
}

/// <summary>The files of Proxmox VE's HA manager. In Perl's they have no order of keys; here they have one.</summary>
public static class HaFiles
{
    /// <summary>What the CRM is asked to do, a line for each, relative to /etc/pve.</summary>
    public const string Commands = "ha/crm_commands";

    /// <summary>Reads <c>ha/resources.cfg</c>.</summary>
    public static IReadOnlyList<HaResource> Resources(string text) => text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)
        .Select(section => section.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        .Where(lines => lines.Length > 0 && lines[0].Split(": ") is ["ct" or "vm", var id] && int.TryParse(id, CultureInfo.InvariantCulture, out _))
        .Select(lines => new HaResource(
            lines[0].Replace(": ", ":", StringComparison.Ordinal),
            lines.Select(l => l.Trim().Split(' ')).FirstOrDefault(w => w[0] is "state")?.ElementAtOrDefault(1) ?? "started"))
        .ToList();

    /// <summary>Writes <c>ha/resources.cfg</c>.</summary>
    public static string Format(IEnumerable<HaResource> resources) => string.Concat(
        resources.Select(r => $"{r.Sid[..2]}: {r.Sid[3..]}\n\tstate {r.State}\n\n"));

    /// <summary><c>ha/manager_status</c> as the master writes it.</summary>
    public static string ManagerStatus(string master, IEnumerable<(string Node, bool IsOnline)> nodes, IEnumerable<HaService> services, long now)
    {
        var states = string.Join(',', nodes.Select(n => $"\"{n.Node}\":\"{(n.IsOnline ? "online" : "unknown")}\""));
        var status = string.Join(',', services.Select(s =>
            $"\"{s.Resource.Sid}\":{{\"node\":\"{s.Node}\",{(s.IsRunning ? "\"running\":1," : "")}\"state\":\"{s.State}\",\"uid\":\"{Uid(s.Resource.Sid)}\"}}"));
        return string.Create(CultureInfo.InvariantCulture,
            $"{{\"master_node\":\"{master}\",\"node_status\":{{{states}}},\"service_status\":{{{status}}},\"timestamp\":{now}}}");
    }

    /// <summary><c>nodes/N/lrm_status</c>: every host has one, with HA in use or not.</summary>
    public static string LrmStatus(bool hasServices, long now) => string.Create(CultureInfo.InvariantCulture,
        $"{{\"mode\":\"active\",\"results\":{{}},\"state\":\"{(hasServices ? "active" : "wait_for_agent_lock")}\",\"timestamp\":{now}}}");

    /// <summary>22 characters that stay the same for a guest.</summary>
    private static string Uid(string sid) => Convert.ToBase64String(MD5.HashData(Encoding.UTF8.GetBytes(sid))).TrimEnd('=');
}
