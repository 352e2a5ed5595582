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
        await using (var first = await RunningSilo.Start(data))
        {
            var node = first.Grains.GetGrain<INodeGrain>(key.ToString());
            await node.Enrol(new(agent, "pve1", "lab"));
            var target = new OperationTarget(key.Cluster, key.Node, "pve1", null, null, agent, Domain.Guests.PlatformFamily.Debian);
            Assert.False((await node.Enqueue(target.Reboot(id, null, 60, 0, "admin", DateTimeOffset.UtcNow))).IsRefused);
            Assert.False((await node.TakeReport(agent, new(id, JobOutcome.Running, null))).IsRefused);
        }

        await using var second = await RunningSilo.Start(data, new LaterClock(TimeSpan.FromSeconds(61) + NodeMachine.RebootAllowance));
        var operation = second.Grains.GetGrain<IOperationGrain>(id.Value);
        OutputPage? page;
        do
        {
            page = await operation.ReadOutput(default, OperationStatus.Running, OutputPage.MaxWait).Within("the end of the restart");
        }
        while (page!.Operation.Status is OperationStatus.Running); // its end is waited for, as long as the test may take

        Assert.True(page.Operation.IsTimedOutReboot);
    }

    private sealed class LaterClock(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + by;
    }
}
