using CsCheck;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Protocol.Jobs;
using static NannyOrleans.Domain.Tests.Some;

namespace NannyOrleans.Domain.Tests.Nodes;

public sealed class NodeMachineTests
{
    private static readonly NodeState Registered = NodeMachine.Enrol(new(), new(Agent, "pve1", "lab"));

    [Fact]
    public void A_node_without_an_agent_takes_no_jobs() =>
        Assert.Equal("no-agent", NodeMachine.Enqueue(new(), Entry(1)).Refusal?.Code);

    [Fact]
    public void The_same_job_is_queued_once()
    {
        var once = NodeMachine.Enqueue(Registered, Entry(1)).Value!;
        Assert.Same(once, NodeMachine.Enqueue(once, Entry(1)).Value);
    }

    [Fact]
    public void A_full_outbox_refuses_one_more()
    {
        var full = Registered with { Outbox = [.. Enumerable.Range(0, NodeMachine.OutboxLimit).Select(number => Entry(number))] };
        Assert.Equal("outbox-full", NodeMachine.Enqueue(full, Entry(NodeMachine.OutboxLimit)).Refusal?.Code);
    }

    [Fact]
    public void Only_the_registered_agent_speaks_for_the_node()
    {
        Assert.Equal("not-this-nodes-agent", NodeMachine.Attach(Registered, OtherAgent).Refusal?.Code);
        Assert.Equal("not-this-nodes-agent", NodeMachine.Report(Registered, OtherAgent, new(Id(1), JobOutcome.Running, null)).Refusal?.Code);
        Assert.Equal("not-this-nodes-agent", NodeMachine.Speaks(Registered, OtherAgent)?.Code);
        Assert.Null(NodeMachine.Speaks(Registered, Agent));
        Assert.Equal("not-this-nodes-agent", NodeMachine.Attach(new(), Agent).Refusal?.Code);
    }

    [Fact]
    public void Each_session_has_a_greater_epoch_than_the_one_before()
    {
        var first = NodeMachine.Attach(Registered, Agent).Value!;
        var second = NodeMachine.Attach(first, Agent).Value!;
        Assert.True(Registered.Epoch < first.Epoch && first.Epoch < second.Epoch);
        Assert.True(NodeMachine.Enrol(second, new(OtherAgent, "pve1", "lab")).Epoch > second.Epoch);
    }

    [Fact]
    public void The_oldest_jobs_are_due_up_to_the_limit_and_an_end_lets_the_next_one_in()
    {
        var node = Registered with { Outbox = [.. Enumerable.Range(1, 6).Select(number => Entry(number))] };
        Assert.Equal([1, 2, 3, 4], Due(node));
        Assert.Equal([1, 3, 4, 5], Due(NodeMachine.Close(node, Id(2))));
    }

    [Fact]
    public void What_a_replaced_agent_had_begun_is_not_sent_to_the_new_one()
    {
        var node = NodeMachine.Report(Registered with { Outbox = [Entry(1), Entry(2)] }, Agent, new(Id(1), JobOutcome.Running, null)).Value!;
        var replaced = NodeMachine.Enrol(node, new(OtherAgent, "pve1", "lab"));
        Assert.Equal([2], Due(replaced));
        var orphan = Assert.Single(NodeMachine.Orphans(replaced));
        Assert.Equal((Id(1), JobOutcome.Interrupted), (NodeMachine.EndOf(orphan).Id, NodeMachine.EndOf(orphan).Outcome));
    }

    [Fact]
    public void What_was_only_sent_to_a_replaced_agent_is_not_sent_to_the_new_one_either()
    {
        // The answer may have been on its way; a reinstalled host's new agent has no journal and would run it a second time.
        var node = NodeMachine.Assign(Registered with { Outbox = [.. Enumerable.Range(1, 6).Select(number => Entry(number))] });
        var replaced = NodeMachine.Enrol(node, new(OtherAgent, "pve1", "lab"));
        Assert.Equal([5, 6], Due(replaced));
        Assert.Equal(4, NodeMachine.Orphans(replaced).Count());
    }

    [Fact]
    public void Assigning_what_is_assigned_changes_nothing()
    {
        var node = NodeMachine.Assign(Registered with { Outbox = [Entry(1)] });
        Assert.Same(node, NodeMachine.Assign(node));
    }

    [Fact]
    public void What_a_replaced_agent_had_only_accepted_may_have_run_too_for_all_anybody_knows()
    {
        // Accepted was the last word that arrived, not the last thing that happened.
        var node = NodeMachine.Report(Registered with { Outbox = [Entry(1)] }, Agent, new(Id(1), JobOutcome.Accepted, null)).Value!;
        var orphan = Assert.Single(NodeMachine.Orphans(NodeMachine.Enrol(node, new(OtherAgent, "pve1", "lab"))));
        Assert.Equal(JobOutcome.Interrupted, NodeMachine.EndOf(orphan).Outcome);
    }

    [Fact]
    public void Whatever_comes_in_whatever_order_a_job_is_due_until_it_is_closed_and_never_after() =>
        Gen.Select(Gen.Int[1, 8], Gen.Int[0, 3]).Array[0, 60].Sample(steps =>
        {
            var (node, queued, closed) = (Registered, new HashSet<int>(), new HashSet<int>());
            foreach (var (number, step) in steps)
            {
                switch (step)
                {
                    case 0 when !closed.Contains(number): // ids are made once: a closed one is never asked for again
                        node = NodeMachine.Enqueue(node, Entry(number)).Value!;
                        queued.Add(number);
                        break;
                    case 1:
                        node = NodeMachine.Report(node, Agent, new(Id(number), JobOutcome.Running, null)).Value!;
                        break;
                    case 2:
                        node = NodeMachine.Report(node, Agent, new(Id(number), JobOutcome.Succeeded, null)).Value!;
                        break;
                    case 3 when queued.Contains(number):
                        node = NodeMachine.Close(node, Id(number));
                        closed.Add(number);
                        break;
                }

                var open = queued.Except(closed).ToArray();
                Assert.Equal(Math.Min(open.Length, NodeMachine.GuestJobsAtOnce), Due(node).Length);
                Assert.Subset(open.ToHashSet(), Due(node).ToHashSet());
            }
        });

    private static int[] Due(NodeState node) => [.. NodeMachine.Due(node).Select(entry => int.Parse(entry.Job.Id.Value[^6..]))];
}
