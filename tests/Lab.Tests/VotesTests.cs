using System.Text.Json.Nodes;
using NannyOrleans.Lab.Cluster;

namespace NannyOrleans.Lab.Tests;

/// <summary>Who is quorate, by votes that differ, a QDevice, and networks that are cut.</summary>
public sealed class VotesTests
{
    [Theory]
    [InlineData("1 1 1", "pve1", "pve2", true)]
    [InlineData("1 1 1", "pve1", "pve1", false)] // alone it has one of three
    [InlineData("3 1 1", "pve1", "pve1", true)] // three of five
    [InlineData("3 1 1", "pve1", "pve2", false)] // the other two have two of five
    [InlineData("0 1 1", "pve1", "pve2", true)] // no vote is legal
    [InlineData("0 1 1", "pve1", "pve1", false)]
    [InlineData("1 1 1 1", "pve1 pve2", "pve1", false)] // half is not enough, on either side
    [InlineData("1 1 1 1", "pve1 pve2", "pve3", false)]
    [InlineData("2 1 1 1", "pve1 pve2", "pve1", true)]
    public void A_cut_network_leaves_quorum_where_the_votes_are(string votes, string cut, string asked, bool quorate)
    {
        var hosts = votes.Split(' ').Select((v, i) => Host($"pve{i + 1}", int.Parse(v, null), cut)).ToList();
        Assert.Equal(quorate, Membership.IsQuorate(hosts.Single(h => h.Name == asked), hosts));
    }

    [Theory]
    [InlineData("pve1", false)] // cut off, from the QDevice too
    [InlineData("pve2", true)]
    public void A_qdevice_gives_its_vote_to_those_who_can_reach_it(string asked, bool quorate)
    {
        HostState[] hosts = [Host("pve1", 1, "pve1"), Host("pve2", 1, "pve1")];
        Assert.Equal(quorate, Membership.IsQuorate(hosts.Single(h => h.Name == asked), hosts, new Qdevice(1, IsCasting: true)));
        Assert.False(Membership.IsQuorate(hosts.Single(h => h.Name == asked), hosts, new Qdevice(1, IsCasting: false)));
    }

    [Fact]
    public void A_plans_host_has_a_release_and_votes_in_any_order()
    {
        Assert.Equal(new PlannedHost("pve1", 1, "10.99.0.11", "8.4", 3), PlannedHost.Parse("1 pve1 10.99.0.11 votes=3 8.4"));
        Assert.Equal("1 pve1 10.99.0.11 9.2 votes=0", PlannedHost.Parse("1 pve1 10.99.0.11 votes=0").Format());
        Assert.Contains("votes= takes 0 to 255", Assert.Throws<LabFailure>(() => PlannedHost.Parse("1 pve1 10.99.0.11 votes=many")).Message, StringComparison.Ordinal);
        Assert.Throws<LabFailure>(() => PlannedHost.Parse("1 pve1"));
    }

    [Fact]
    public async Task A_host_that_is_cut_off_reads_on_and_writes_nothing_until_it_is_joined()
    {
        var plan = Path.GetTempFileName();
        await File.WriteAllTextAsync(plan, "host 1 pve1 10.99.0.11\nhost 2 pve2 10.99.0.12\nhost 3 pve3 10.99.0.13 votes=2\nguest 100 lxc pve1 on one\nguest 101 lxc pve2 on two\n");
        await using var lab = await LabUnderTest.Up("--simulated", "--plan", plan);
        File.Delete(plan);
        await Done(lab, "network", "cut", "pve1");
        Assert.Equal(2, (await lab.Run("pve1", "pvecm status")).ExitCode);
        Assert.Contains("Total votes:      1\nQuorum:           3 Activity blocked\n", (await lab.Run("pve1", "corosync-quorumtool -s")).StandardOutput, StringComparison.Ordinal);
        Assert.Contains("Total votes:      3\n", await lab.Must("pve2", "pvecm status"), StringComparison.Ordinal);
        Assert.Equal(["pve1 1", "pve2 0", "pve3 0", "quorate 0"], await Members(lab, "pve1"));
        Assert.Equal(["pve1 0", "pve2 1", "pve3 1", "quorate 1"], await Members(lab, "pve2"));
        Assert.Equal("status: running\n", await lab.Must("pve1", "pct status 100"));
        Assert.Equal(2, (await lab.Run("pve1", "pct set 100 --memory 600")).ExitCode);
        Assert.Contains("cluster not ready - no quorum?", (await lab.Run("pve1", "pct start 101")).StandardError, StringComparison.Ordinal);
        if (Linux.Native.IsRoot)
        {
            // Nor by hand: FUSE would say `Permission denied` here.
            Assert.NotEqual(0, (await lab.Run("pve1", $"echo >> {lab.Root("pve1")}/etc/pve/lxc/100.conf")).ExitCode);
            Assert.NotEqual(0, (await lab.Run("pve1", $"touch {lab.Root("pve1")}/etc/pve/priv/x")).ExitCode);
        }

        await lab.Must("pve2", "pct set 101 --memory 700");
        Assert.Equal("memory: 512\n", await lab.Must("pve1", $"grep memory {lab.Root("pve1")}/etc/pve/nodes/pve2/lxc/101.conf"));
        await Done(lab, "network", "join", "pve1");
        Assert.Equal("memory: 700\n", await lab.Must("pve1", $"grep memory {lab.Root("pve1")}/etc/pve/nodes/pve2/lxc/101.conf"));
        await lab.Must("pve1", "pct set 100 --memory 600");
        Assert.Equal(["\"1\"", "\"1\"", "\"2\""], JsonNode.Parse(await lab.Must("pve1", "pvesh get /cluster/config/nodes --output-format json"))!.AsArray().Select(n => n!["quorum_votes"]!.ToJsonString()));
    }

    private static async Task<IEnumerable<string>> Members(LabUnderTest lab, string host)
    {
        var members = JsonNode.Parse(await File.ReadAllTextAsync($"{lab.Root(host)}/etc/pve/.members"))!;
        return [.. members["nodelist"]!.AsObject().Select(n => $"{n.Key} {n.Value!["online"]}"), $"quorate {members["cluster"]!["quorate"]}"];
    }

    private static HostState Host(string name, int votes, string cut) => new(name, IsOn: true, Pmxcfs.Running, "boot", Replica: 1, MembersVersion: 0, OnbootDone: true)
    {
        Votes = votes,
        Island = cut.Split(' ').Contains(name) ? cut : "",
    };

    private static async Task Done(LabUnderTest lab, params string[] words)
    {
        var result = await lab.Verb(words);
        Assert.True(result.ExitCode is 0, result.StandardError);
    }
}
