using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Silo.Tests;

public sealed class RebootWatchTests
{
    [Fact]
    public async Task A_restart_under_way_when_the_server_ended_is_watched_by_the_next_one()
    {
        using var data = new DataDirectory();
        var (key, agent, id) = (NodeKey.Parse("c0123456789abcdef/pve1"), AgentId.Parse("01M83HYC366EDV4QB830883JAT"), JobId.Parse("01M83HW1FS84TGPXTCYJ45S8G9"));
        var clock = new SetClock();
        await using (var first = await RunningSilo.Start(data, clock))
        {
            clock.Behind = NodeMachine.RebootAllowance + TimeSpan.FromSeconds(61); // only now: a silo that starts in the past waits for itself
            var node = first.Grains.GetGrain<INodeGrain>(key.ToString());
            await node.Enrol(new(agent, "pve1", "lab"));
            var target = new OperationTarget(key.Cluster, key.Node, "pve1", null, null, agent, Domain.Guests.PlatformFamily.Debian);
            Assert.False((await node.Enqueue(target.Reboot(id, null, 60, 0, "admin", clock.GetUtcNow()))).IsRefused);
            Assert.False((await node.TakeReport(agent, new(id, JobOutcome.Running, null))).IsRefused);
        }

        await using var second = await RunningSilo.Start(data);
        var operation = second.Grains.GetGrain<IOperationGrain>(id.Value);
        var ended = await Waiting.Until(() => operation.Get(), one => one!.Status is not OperationStatus.Running, "the end of the restart");
        Assert.True(ended!.IsTimedOutReboot);
        Assert.Null(ended.Type); // of a host, still
    }

    private sealed class SetClock : TimeProvider
    {
        public TimeSpan Behind { get; set; }

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() - Behind;
    }
}
