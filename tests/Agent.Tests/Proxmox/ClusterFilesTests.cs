using System.Text.Json;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Tests.Proxmox;

public sealed class ClusterFilesTests
{
    [Fact]
    public void A_standalone_host_is_quorate_with_its_own_vote()
    {
        var seen = ClusterFiles.ParseMembers(Fixture.Read("members.standalone.json"), corosync: null);
        Assert.Equal(("pve1", true), (seen.Name, seen.Quorate));
        Assert.Equal([new(NodeName.Parse("pve1"), Online: true, Votes: 1)], seen.Members);
    }

    [Fact]
    public void A_member_has_the_votes_of_corosync_conf()
    {
        var seen = ClusterFiles.ParseMembers(Fixture.Read("members.three.json"), Fixture.Read("corosync.conf"));
        Assert.Equal(("prod", false), (seen.Name, seen.Quorate));
        Assert.Equal(
            [new(NodeName.Parse("pve1"), true, 2), new(NodeName.Parse("pve2"), false, 1), new(NodeName.Parse("PVE-3"), true, 0)],
            seen.Members);
    }

    [Fact]
    public void Votes_that_cannot_be_read_are_unknown() => Assert.All(
        ClusterFiles.ParseMembers(Fixture.Read("members.three.json"), corosync: null).Members, member => Assert.Null(member.Votes));

    [Theory]
    [InlineData("nodelist {\n node {\n name: a\n }\n}", 1)] // absent = 1
    [InlineData("nodelist {\n node {\n quorum_votes: 0\n name: a\n }\n}", 0)]
    [InlineData("nodelist {\n node {\n name: a\n quorum_votes: many\n }\n}", null)]
    [InlineData("quorum {\n node {\n name: a\n }\n}", null)] // not in the nodelist
    [InlineData("nodelist {\n node {\n name: b\n quorum_votes: 3\n }\n node {\n name: a\n }\n}", 1)] // not the neighbour's
    public void Votes_are_read_line_by_line(string text, int? votes) =>
        Assert.Equal(votes, CorosyncConf.Votes(text).TryGetValue("a", out var found) ? found : null);

    [Fact]
    public void The_list_of_guests_is_this_nodes_and_without_what_Proxmox_does_not_accept() => Assert.Equal(
        [(102, GuestType.Lxc), (200, GuestType.Qemu)],
        ClusterFiles.ParseVmList(Fixture.Read("vmlist.mixed.json"), NodeName.Parse("pve1")).OrderBy(pair => pair.Key).Select(pair => (pair.Key.Value, pair.Value)));

    [Fact]
    public void A_list_without_ids_is_empty() => Assert.Empty(ClusterFiles.ParseVmList("""{ "version": 1}""", NodeName.Parse("pve1")));

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"nodename":"a b"}""")]
    [InlineData("""{"nodename":"a","cluster":{}}""")]
    [InlineData("""{"nodename":"a","cluster":{"name":"x","quorate":1},"nodelist":{"a":{"online":"yes"}}}""")]
    public void Other_JSON_is_refused(string text) => Assert.Throws<JsonException>(() => ClusterFiles.ParseMembers(text, corosync: null));
}
