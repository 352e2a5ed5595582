using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Tests.Proxmox;

public sealed class HaFilesTests
{
    private const string Resources = "ct: 100\n\tgroup prod\n\tstate started\n\nvm: 200\n\tcomment ct: 300\n\nvm: x\n";
    private static readonly DateTimeOffset Now = DateTimeOffset.FromUnixTimeSeconds(1795389240);
    private readonly List<string> problems = [];

    private HaFiles Read(string? resources, string? status, bool unread = false) => new(resources, status, unread, Now, problems);

    [Fact]
    public void Without_files_it_is_not_used_and_nothing_is_wrong()
    {
        var ha = Read(null, null);
        Assert.True(ha.Seen is { Used: false, Master: null, ManagerActive: false, Nodes.Count: 0, ServicesInError.Count: 0 });
        Assert.False(ha.Manages(GuestType.Lxc, new(100)));
        Assert.Empty(problems);
    }

    [Fact]
    public void Files_that_cannot_be_read_are_unknown()
    {
        var ha = Read(Resources, null, unread: true);
        Assert.Null(ha.Seen);
        Assert.Null(ha.Manages(GuestType.Lxc, new(100)));
    }

    [Fact]
    public void Says_who_leads_what_nodes_are_and_what_is_managed()
    {
        var ha = Read(Resources, """
            {"master_node":"pve1","service_status":{"ct:100":{"running":1,"node":"pve1","state":"started","uid":"x"},"vm:200":{"state":"error"},"vm:201":{"state":""},"vm:202":null},
             "node_status":{"pve1":"online","pve3":"maintenance","pve4":1},"node_request":{"pve3":{"maintenance":1}},"timestamp":"1795389230"}
            """);
        Assert.Equal((true, "pve1", true), (ha.Seen!.Used, ha.Seen.Master?.Value, ha.Seen.ManagerActive));
        Assert.Equal([new("pve1", "online"), new("pve3", "maintenance")], ha.Seen.Nodes);
        Assert.Equal(["vm:200"], ha.Seen.ServicesInError);
        Assert.Equal([true, false, true, false], new (GuestType, int)[] { (GuestType.Lxc, 100), (GuestType.Lxc, 200), (GuestType.Qemu, 200), (GuestType.Lxc, 300) }.Select(one => ha.Manages(one.Item1, new(one.Item2))!.Value));
        Assert.Equal(["started", "error", null], new (GuestType, int)[] { (GuestType.Lxc, 100), (GuestType.Qemu, 200), (GuestType.Qemu, 201) }.Select(one => ha.StateOf(one.Item1, new(one.Item2))));
    }

    [Theory]
    [InlineData("""{"master_node":"pve1","timestamp":1795389100}""", "pve1", false)] // more than a minute old
    [InlineData("""{"master_node":"pve1","timestamp":1795389240.5}""", "pve1", false)]
    [InlineData("""{"master_node":"pve1"}""", "pve1", false)]
    [InlineData("""{"master_node":"","timestamp":""}""", null, false)]
    [InlineData("""{"manager_status":{}}""", null, false)]
    public void A_manager_is_active_while_it_writes(string status, string? master, bool active) =>
        Assert.Equal((master, active), Read(null, status).Seen is { } seen ? (seen.Master?.Value, seen.ManagerActive) : default);

    [Theory]
    [InlineData("{\"master_node\":")]
    [InlineData("[]")]
    [InlineData("\0")]
    [InlineData("{\"service_status\":{\"ct:100\":{\"state\":\"\\ud800\"}}}")]
    public void A_broken_status_is_unknown_but_what_is_managed_is_not(string status)
    {
        var ha = Read(Resources, status);
        Assert.Null(ha.Seen);
        Assert.True(ha.Manages(GuestType.Lxc, new(100)));
        Assert.Single(problems);
    }
}
