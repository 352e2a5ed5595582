using NannyOrleans.Domain.Metrics;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Grains.History;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Grains.Tests.Nodes;

public sealed class InventoryTests(SiloCluster silo)
{
    private static readonly GuestSeen Web = Some.Container(100);
    private static readonly GuestSeen Renamed = Some.Container(100, "web-02");
    private static readonly GuestSeen Db = Some.Container(200, "db");

    private readonly ClusterId cluster = Some.Cluster();

    private INodeGrain Node => silo.Grains.GetGrain<INodeGrain>($"{cluster}/pve1");

    private string Key => $"{cluster}/pve1";

    private string Row => $"inventory:node/{cluster}/pve1";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Changes_build_on_the_last_report_after_a_restart_too(bool restart)
    {
        await Reported(Web, Db);
        await Restart(restart);
        var taken = await Node.RecordInventory(Some.Agent, Some.Changes(Some.Pve1, since: [Web, Db], changed: [Renamed], now: [Renamed, Db]));
        Assert.Equal(["web-02", "db"], Names(taken.Value!));

        await Restart(restart);
        var gone = Some.Changes(Some.Pve1, since: [Renamed, Db], changed: [], now: [Renamed]) with { Gone = [new(Db.Vmid, null, Deleted: true)] };
        Assert.Equal(["web-02"], Names((await Node.RecordInventory(Some.Agent, gone)).Value!));
        await Restart(restart);
        var known = await Node.Inventory();
        Assert.Equal(["web-02"], Names(known));
        Assert.True(Assert.Single(known.Departed).Deleted);
    }

    [Fact]
    public async Task Changes_to_what_is_not_here_want_a_whole_report_and_change_nothing()
    {
        await Node.Enrol(Some.Enrolment(Some.Agent, Some.Pve1));
        var changes = Some.Changes(Some.Pve1, since: [Web], changed: [Db], now: [Web, Db]);
        Assert.Equal(InventoryMachine.NeedsWhole, (await Node.RecordInventory(Some.Agent, changes)).Refusal?.Code);
        Assert.Null((await Node.Inventory()).Report);

        await Reported(Db);
        Assert.Equal(InventoryMachine.NeedsWhole, (await Node.RecordInventory(Some.Agent, changes)).Refusal?.Code);
        Assert.Equal(["db"], Names(await Node.Inventory()));
        Assert.Empty(Refused()); // that is no offence
    }

    [Fact]
    public async Task A_report_without_news_is_known_at_once_and_written_once_an_hour()
    {
        await Reported(Web);
        var first = (await Node.Inventory()).ReceivedAt;
        Assert.Equal(1, silo.Storage.WritesOf(Row));

        silo.Clock.Shift += TimeSpan.FromMinutes(5);
        await Reported(Web);
        Assert.True((await Node.Inventory()).ReceivedAt - first >= TimeSpan.FromMinutes(5));
        Assert.Equal(1, silo.Storage.WritesOf(Row));

        silo.Clock.Shift += TimeSpan.FromMinutes(56);
        await Reported(Web);
        await Reported(Web);
        Assert.Equal(2, silo.Storage.WritesOf(Row));

        await Reported(Renamed);
        Assert.Equal(3, silo.Storage.WritesOf(Row));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)] // the write landed, its answer did not
    public async Task A_report_that_could_not_be_written_is_not_acknowledged_and_the_next_whole_one_lands(bool landed)
    {
        await Reported(Web);
        silo.Storage.FailNextWrite(Row, landed);
        await Assert.ThrowsAnyAsync<Exception>(() => Node.RecordInventory(Some.Agent, Some.Inventory(Some.Pve1, Renamed)));
        Assert.False(silo.Storage.StillFailing(Row));
        Assert.Equal([landed ? "web-02" : "web-01"], Names(await Node.Inventory()));

        await Reported(Renamed, Db);
        await silo.ForgetActivations();
        Assert.Equal(["web-02", "db"], Names(await Node.Inventory()));
    }

    [Fact]
    public async Task A_look_while_a_report_is_written_sees_what_is_stored()
    {
        await Reported(Web);
        var gate = silo.Storage.HoldNextWrite(Row);
        var report = Node.RecordInventory(Some.Agent, Some.Inventory(Some.Pve1, Renamed));
        await gate.Reached;
        Assert.Equal(["web-01"], Names(await Node.Inventory()));
        gate.Open();
        Assert.Null((await report).Refusal);
        Assert.Equal(["web-02"], Names(await Node.Inventory()));
    }

    [Fact]
    public async Task A_host_that_speaks_for_another_is_refused_and_audited_once_an_hour()
    {
        await Reported(Web);
        var foreign = Some.Inventory(Some.Pve1, Db) with { Node = Some.Pve2 };
        Assert.Equal(InventoryMachine.NotItsOwn, (await Node.RecordInventory(Some.Agent, foreign)).Refusal?.Code);
        Assert.Equal(InventoryMachine.NotItsOwn, (await Node.RecordInventory(Some.Agent, foreign)).Refusal?.Code);
        var entry = Assert.Single(Refused());
        Assert.Equal(($"agent {Some.Agent}", "report-inventory", InventoryMachine.NotItsOwn), (entry.Actor, entry.Action, entry.Result));
        Assert.Equal(["web-01"], Names(await Node.Inventory()));

        // A report of another kind of wrong does not hide behind it.
        await Node.RecordInventory(Some.Agent, Some.Inventory(Some.Pve1, Db, Db));
        Assert.Equal([InventoryMachine.NotItsOwn, "bad-inventory"], Refused().Select(one => one.Result));

        silo.Clock.Shift += TimeSpan.FromMinutes(61);
        await Node.RecordInventory(Some.Agent, foreign);
        Assert.Equal(3, Refused().Count());
    }

    [Fact]
    public async Task What_could_not_be_audited_is_audited_the_next_time()
    {
        await Reported(Web);
        var foreign = Some.Inventory(Some.Pve1, Db) with { Node = Some.Pve2 };
        silo.Audit.FailNextAdd[Key] = true;
        await Assert.ThrowsAnyAsync<Exception>(() => Node.RecordInventory(Some.Agent, foreign));
        Assert.Equal(["web-01"], Names(await Node.Inventory()));
        Assert.Equal(InventoryMachine.NotItsOwn, (await Node.RecordInventory(Some.Agent, foreign)).Refusal?.Code);
        Assert.Single(Refused());
    }

    [Fact]
    public async Task An_agent_of_another_node_is_not_heard()
    {
        await Reported(Web);
        Assert.Equal("not-this-nodes-agent", (await Node.RecordInventory(Some.OtherAgent, Some.Inventory(Some.Pve1, Db))).Refusal?.Code);
        Assert.Equal("not-this-nodes-agent", (await Node.RecordMetrics(Some.OtherAgent, Some.Metrics()))?.Code);
        Assert.Equal(["web-01"], Names(await Node.Inventory()));
        Assert.Empty(await Node.Samples(DateTimeOffset.MinValue, DateTimeOffset.MaxValue));
    }

    [Fact]
    public async Task Samples_of_a_day_are_kept_and_their_means_handed_over_when_five_minutes_turn()
    {
        await Node.Enrol(Some.Enrolment(Some.Agent, Some.Pve1));
        StartOfFiveMinutes();
        var from = silo.Clock.GetUtcNow();
        await Sample(10);
        await Sample(30);
        Assert.Empty(silo.Metrics.Of(cluster));
        var samples = await Node.Samples(from.AddSeconds(-1), from.AddMinutes(1));
        Assert.Equal([10, 30], samples.Select(sample => sample.CpuPercent));
        Assert.All(samples, sample => Assert.Equal(float.NaN, sample.Load1)); // not known, and so it arrives

        silo.Clock.Shift += MetricsRollup.Step;
        await Sample(50);
        var rollup = Assert.Single(silo.Metrics.Of(cluster));
        Assert.Equal((Some.Pve1, MetricsRollup.StartOf(from), 2, 20, 30), (rollup.Node, rollup.At, rollup.Samples, rollup.CpuPercent, rollup.CpuPercentMax));

        silo.Clock.Shift += TimeSpan.FromDays(1) - MetricsRollup.Step + TimeSpan.FromMinutes(1);
        await Sample(70);
        Assert.Equal([50, 70], (await Node.Samples(DateTimeOffset.UnixEpoch, DateTimeOffset.MaxValue)).Select(sample => sample.CpuPercent));
    }

    [Fact]
    public async Task Means_that_are_not_complete_are_handed_over_when_the_node_is_put_aside()
    {
        await Node.Enrol(Some.Enrolment(Some.Agent, Some.Pve1));
        StartOfFiveMinutes();
        await Sample(10);
        await silo.ForgetActivations();
        Assert.Equal((1, 10), (Assert.Single(silo.Metrics.Of(cluster)).Samples, silo.Metrics.Of(cluster)[0].CpuPercent));
        Assert.Empty(await Node.Samples(DateTimeOffset.UnixEpoch, DateTimeOffset.MaxValue));
    }

    [Fact]
    public async Task Only_an_agent_that_is_connected_can_be_asked_to_look_anew()
    {
        await Node.Enrol(Some.Enrolment(Some.Agent, Some.Pve1));
        Assert.Equal("agent-offline", (await Node.Discover(new(null)))?.Code);

        var session = await ListeningSession.Open(silo.Grains, Node, Some.Agent);
        Assert.Null(await Node.Discover(new(new Vmid(100))));
        Assert.Equal(new Vmid(100), (await session.NextAsk()).Vmid);
        Assert.Null(await Node.Discover(new(null)));
        Assert.Null((await session.NextAsk()).Vmid);

        await Node.Detach(session.Ticket);
        Assert.Equal("agent-offline", (await Node.Discover(new(null)))?.Code);
    }

    private IEnumerable<AuditEntry> Refused() => silo.Audit.Of(Key).Where(entry => entry.Action is "report-inventory");

    private static IEnumerable<string> Names(NodeInventory known) => known.Report!.Guests!.Select(guest => guest.Name);

    private async Task Reported(params GuestSeen[] guests)
    {
        await Node.Enrol(Some.Enrolment(Some.Agent, Some.Pve1));
        Assert.Null((await Node.RecordInventory(Some.Agent, Some.Inventory(Some.Pve1, guests))).Refusal);
    }

    private async Task Sample(double cpuPercent) => Assert.Null(await Node.RecordMetrics(Some.Agent, Some.Metrics(cpuPercent: cpuPercent)));

    private Task Restart(bool really) => really ? silo.ForgetActivations() : Task.CompletedTask;

    // So that they do not turn in the middle of a test.
    private void StartOfFiveMinutes()
    {
        var now = silo.Clock.GetUtcNow();
        silo.Clock.Shift += MetricsRollup.StartOf(now) + MetricsRollup.Step - now;
    }
}
