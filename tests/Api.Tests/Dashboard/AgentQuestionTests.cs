using NannyOrleans.Api.Dashboard.Pages.Agents;
using NannyOrleans.Domain.Agents;

namespace NannyOrleans.Api.Tests.Dashboard;

/// <summary>What somebody types into the agents page, as the API's filter.</summary>
public sealed class AgentQuestionTests
{
    private static readonly HostRow Host = new()
    {
        Id = "01M83HW1FS84TGPXTCYJ45S8G9",
        Hostname = "pve1.example",
        OsType = "linux",
        ProxmoxRole = "host",
        ProxmoxCluster = "lab",
        ProxmoxNodeName = "pve1",
        Status = "online",
        IpAddress = "192.0.2.1",
        AgentVersion = "1.0.0",
        Problems = [],
    };

    private static readonly MachineRow Machine = new()
    {
        Id = "01M83HW1FS84TGPXTCYJ45S8GA",
        Hostname = @"it's \ ""odd""",
        OsType = "linux",
        ProxmoxRole = "standalone",
        Status = "offline",
        Problems = [],
    };

    private static readonly GuestRow Guest = new()
    {
        Id = "c0123456789abcdef-lxc-100",
        Name = "pve1.example",
        OsType = "linux",
        ProxmoxRole = "guest",
        ProxmoxCluster = "lab",
        ProxmoxVmid = "100",
        ProxmoxType = "lxc",
        Status = "running",
        Template = false,
    };

    [Theory]
    [InlineData(null, null, null, null, true, true)]
    [InlineData("  ", "", "", "", true, true)]
    [InlineData("PVE1", null, null, null, true, false)] // in any case
    [InlineData("lab", null, null, null, true, false)]
    [InlineData("192.0.2", null, null, null, true, false)]
    [InlineData("01M83HW1FS84TGPXTCYJ45S8GA", null, null, null, false, true)]
    [InlineData("it's", null, null, null, false, true)] // quotes are text, and end nothing
    [InlineData(@"\ ""odd", null, null, null, false, true)]
    [InlineData("x' || status=='online", null, null, null, false, false)]
    [InlineData("x\\' || status=='online", null, null, null, false, false)]
    [InlineData(@"\", null, null, null, false, true)]
    [InlineData(null, "online", null, null, true, false)]
    [InlineData(null, "online' || status=='offline", null, null, false, false)]
    [InlineData(null, null, "host", null, true, false)]
    [InlineData(null, null, "machine", null, false, true)]
    [InlineData(null, null, "something", null, true, true)]
    [InlineData(null, null, null, "1.0.0", true, false)]
    [InlineData(null, null, null, "other", false, true)] // what is not known to have the server's version
    public void It_finds_what_is_meant_and_nothing_else(string? text, string? status, string? kind, string? version, bool host, bool machine)
    {
        var (test, problem) = AgentFilter.Parse(new AgentQuestion(text, status, kind, version).Filter("1.0.0"));
        Assert.Null(problem);
        Assert.Equal((host, machine, false), (test!(Host), test(Machine), test(Guest)));
    }

    [Fact]
    public void However_long_it_is_the_API_takes_it() => Assert.Null(AgentFilter.Parse(new AgentQuestion(new('\'', 10_000), null, null, null).Filter("1.0.0")).Problem);

    [Theory]
    [InlineData(null, null, null, null, false)]
    [InlineData(" ", "", "", "", false)]
    [InlineData("a", null, null, null, true)]
    [InlineData(null, null, null, "other", true)]
    public void It_is_narrow_when_it_leaves_something_out(string? text, string? status, string? kind, string? version, bool narrow) =>
        Assert.Equal(narrow, new AgentQuestion(text, status, kind, version).IsNarrow);
}
