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
        Assert.Equal(("pve1", true, false), (seen.Name, seen.Quorate, seen.Clustered));
        Assert.Equal([new(NodeName.Parse("pve1"), Online: true, Votes: 1)], seen.Members);
    }

    [Fact]
    public void A_member_has_the_votes_of_corosync_conf()
    {
        var seen = ClusterFiles.ParseMembers(Fixture.Read("members.three.json"), Fixture.Read("corosync.conf"));
        Assert.Equal(("prod", false, true), (seen.Name, seen.Quorate, seen.Clustered));
        Assert.Equal(new QDeviceSeen("net", "10.0.90.1", "ffsplit", 1, null), seen.QDevice);
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
        Assert.Equal(votes, CorosyncConf.Parse(text).Votes.TryGetValue("a", out var found) ? found : null);

    [Theory]
    [InlineData("model: net\n net {\n algorithm: lms\n host: q\n }", 1)] // two nodes less one
    [InlineData("model: net\n votes: 3\n net {\n algorithm: lms\n }", 3)]
    [InlineData("model: net\n votes: many\n net {\n algorithm: lms\n }", null)]
    [InlineData("model: net\n net {\n algorithm: ffsplit\n }", null)]
    public void A_quorum_device_has_the_votes_of_its_line(string device, int? votes) => Assert.Equal(votes, CorosyncConf.Parse(
        $"nodelist {{\n node {{\n name: a\n }}\n node {{\n name: b\n }}\n}}\nquorum {{\n device {{\n {device}\n }}\n}}\n").QDevice!.Votes);

    [Theory]
    [InlineData("quorum {\n provider: corosync_votequorum\n}\n")]
    [InlineData("quorum {\n device {\n votes: 1\n }\n}\n")] // no model: votequorum ignores it
    [InlineData("device {\n model: net\n}\n")]
    public void Without_a_model_there_is_no_quorum_device(string text) => Assert.Null(CorosyncConf.Parse(text).QDevice);

    [Fact]
    public void The_list_says_where_guests_are_without_what_Proxmox_does_not_accept() => Assert.Equal(
        [(102, "pve1", GuestType.Lxc), (200, "pve1", GuestType.Qemu), (301, "pve2", GuestType.Lxc)],
        ClusterFiles.ParseVmList(Fixture.Read("vmlist.mixed.json")).OrderBy(pair => pair.Key).Select(pair => (pair.Key.Value, pair.Value.Node.Value, pair.Value.Type)));

    [Fact]
    public void A_list_without_ids_is_empty() => Assert.Empty(ClusterFiles.ParseVmList("""{ "version": 1}"""));

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("""{"ids":[]}""")]
    [InlineData("""{"ids":{"100":{}}}""")]
    [InlineData("""{"ids":{"100":{"node":"a b","type":"lxc"}}}""")]
    [InlineData("""{"ids":{"100":{"node":"a","type":"openvz"}}}""")]
    [InlineData("""{"ids":{"100":{"node":"\ud800","type":"lxc"}}}""")]
    public void Another_list_is_refused(string text) => Assert.Throws<JsonException>(() => ClusterFiles.ParseVmList(text));

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"nodename":"a b"}""")]
    [InlineData("""{"nodename":"a","cluster":{}}""")]
    [InlineData("""{"nodename":"a","cluster":{"name":"x","quorate":1},"nodelist":{"a":{"online":"yes"}}}""")]
    public void Other_JSON_is_refused(string text) => Assert.Throws<JsonException>(() => ClusterFiles.ParseMembers(text, corosync: null));
}
