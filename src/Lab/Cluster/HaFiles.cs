using System.Globalization;

namespace NannyOrleans.Lab.Cluster;

/// <summary>One guest HA looks after.</summary>
/// <param name="Sid"><c>ct:100</c> or <c>vm:200</c>.</param>
/// <param name="State">What was asked for: started, stopped, disabled, ignored.</param>
public sealed record HaResource(string Sid, string State)
{
    /// <summary>The guest's id.</summary>
    public int Vmid => int.Parse(Sid[3..], CultureInfo.InvariantCulture);
}

/// <summary>What a person or a command tells HA by a file.</summary>
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
}
