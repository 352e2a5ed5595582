using NannyOrleans.Domain.Agents;

namespace NannyOrleans.Domain.Tests.Agents;

/// <summary>Ordinary rows, so that a test names only what it is about.</summary>
internal static class Rows
{
    public static readonly HostRow Host = new()
    {
        Id = Some.Agent.Value,
        Hostname = "pve1",
        OsType = "linux",
        ProxmoxRole = "host",
        Status = "online",
        Problems = [],
    };

    public static readonly GuestRow Guest = new()
    {
        Id = "c0123456789abcdef-lxc-100",
        Name = "web-01",
        OsType = "linux",
        ProxmoxRole = "guest",
        ProxmoxVmid = "100",
        ProxmoxType = "lxc",
        ProxmoxParentHost = Some.Agent.Value,
        Status = "running",
        Template = false,
    };

    public static readonly MachineRow Machine = new()
    {
        Id = Some.OtherAgent.Value,
        Hostname = "db1",
        OsType = "linux",
        ProxmoxRole = "standalone",
        Status = "offline",
        Problems = [],
    };

    public static GuestRow Named(string name) => Guest with { Id = $"id-{name}", Name = name };

    /// <summary>What a filter says of a row; a filter that does not parse fails the test.</summary>
    public static bool Matches(this AgentRow row, string filter)
    {
        var (test, problem) = AgentFilter.Parse(filter);
        Assert.True(test is not null, $"{filter}: {problem}");
        return test(row);
    }
}
