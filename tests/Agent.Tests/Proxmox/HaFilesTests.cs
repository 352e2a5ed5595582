using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;
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

    [Theory]
    [InlineData("""{"pve3":{"maintenance":1}}""", "", "pve3")]
    [InlineData("""{"pve3":{"maintenance":"1"}}""", "", "pve3")] // Perl's numbers
    [InlineData("""{"pve3":{"maintenance":true}}""", "", "pve3")]
    [InlineData("""{"pve3":{"maintenance":0},"pve2":{},"pve1":null}""", "", "")]
    [InlineData("{}", "enable-node-maintenance pve2\n", "pve2")] // asked for; the manager has not taken it up yet
    [InlineData("{}", "enable-node-maintenance pve2\ndisable-node-maintenance pve2\n", "")]
    [InlineData("""{"pve3":{"maintenance":1}}""", "disable-node-maintenance pve3\n", "pve3")] // until the manager has taken it up
    [InlineData("{}", "migrate vm:100 pve2\nenable-node-maintenance\n\n", "")]
    public void Says_for_which_nodes_maintenance_mode_is_asked(string request, string commands, string expected)
    {
        var ha = new HaFiles(Resources, $$"""{"master_node":"pve1","node_request":{{request}}}""", false, Now, problems, commands);
        Assert.Equal(expected, string.Join(' ', ha.Seen!.MaintenanceRequested!));
        Assert.Empty(problems);
    }

    [Theory]
    [InlineData("{}", "", false)]
    [InlineData("""{"pve3":{"maintenance":1}}""", "", true)]
    [InlineData("{}", "enable-node-maintenance pve3\n", true)]
    [InlineData("""{"pve3":{"maintenance":1}}""", "disable-node-maintenance pve3\n", false)]
    [InlineData("{}", "enable-node-maintenance pve3\ndisable-node-maintenance pve3\nenable-node-maintenance pve3\n", true)]
    [InlineData("{}", "enable-node-maintenance pve33\n", false)]
    public void Knows_what_will_be_once_the_manager_has_taken_up_all(string request, string commands, bool on)
    {
        var ha = new HaFiles(Resources, $$"""{"master_node":"pve1","node_request":{{request}}}""", false, Now, problems, commands);
        Assert.Equal((on, !on), (ha.IsMaintenanceAsked(NodeName.Parse("pve3"), on: true), ha.IsMaintenanceAsked(NodeName.Parse("pve3"), on: false)));
        Assert.Null(new HaFiles(Resources, "{", false, Now, problems, commands).IsMaintenanceAsked(NodeName.Parse("pve3"), on));
    }

    [Fact]
    public void Counts_the_services_that_are_active_on_each_node()
    {
        const string Services = """
            "ct:100":{"node":"pve1","state":"started"},"ct:101":{"node":"pve1","state":"migrate","target":"pve2"},"vm:200":{"node":"pve2","state":"request_stop"},
            "vm:201":{"node":"pve3","state":"stopped"},"vm:202":{"node":"pve3","state":"freeze"},"vm:203":{"node":"pve3","state":"error"},"vm:204":{"node":"pve3","state":"request_start"}
            """;
        Assert.Equal([new("pve1", 2), new("pve2", 1)], Read(Resources, "{\"service_status\":{" + Services + "}}").Seen!.ActiveServices!);
        Assert.Empty(Read(Resources, null).Seen!.ActiveServices!);
    }

    [Theory]
    [InlineData("""{"ct:100":{"state":"started"}}""")] // nobody knows where
    [InlineData("""{"ct:100":{"node":"pve1"}}""")]
    [InlineData("""{"ct:100":null}""")]
    public void A_service_that_may_be_anywhere_leaves_the_count_unknown(string services) =>
        Assert.Null(Read(Resources, $$"""{"service_status":{{services}}}""").Seen!.ActiveServices);

    [Theory]
    [InlineData("""{"timestamp":1795389180,"mode":"active","state":"wait_for_agent_lock","results":{}}""", "active wait_for_agent_lock True")]
    [InlineData("""{"timestamp":"1795389239","mode":"maintenance","state":"active"}""", "maintenance active True")]
    [InlineData("""{"timestamp":1795389179,"mode":"active","state":"active"}""", "active active False")] // more than a minute old
    [InlineData("""{"mode":"active","state":"lost_agent_lock"}""", "active lost_agent_lock False")]
    [InlineData("""{"timestamp":1795389240,"state":"active"}""", null)]
    [InlineData("", null)]
    [InlineData(null, null)] // could not be read
    public void Says_how_each_local_manager_is(string? text, string? expected)
    {
        var ha = new HaFiles(Resources, """{"master_node":"pve1"}""", false, Now, problems, null, new Dictionary<string, string?> { ["pve3"] = text });
        Assert.Equal(expected, ha.Seen!.Lrms is { } lrms ? $"{lrms["pve3"].Mode} {lrms["pve3"].State} {lrms["pve3"].Alive}" : null);
        Assert.Equal(expected is null && text is not null ? 1 : 0, problems.Count);
    }
}
