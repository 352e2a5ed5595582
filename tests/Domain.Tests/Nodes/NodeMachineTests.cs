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
        Assert.Equal("not-this-nodes-agent", NodeMachine.Report(Registered, OtherAgent, new(Id(1), JobOutcome.Running, null), Noon).Refusal?.Code);
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

    [Theory]
    [InlineData(20, false)]
    [InlineData(90, false)] // a silo's failover and a database that is away for a minute are lived through
    [InlineData(120, true)]
    public void An_agent_is_sent_elsewhere_by_a_process_that_cannot_keep_its_session(int seconds, bool elsewhere) =>
        Assert.Equal(elsewhere, NodeMachine.IsCutOff(TimeSpan.FromSeconds(seconds)));

    [Fact]
    public void The_oldest_jobs_are_due_up_to_the_limit_and_an_end_lets_the_next_one_in()
    {
        var node = Registered with { Outbox = [.. Enumerable.Range(1, 6).Select(number => Entry(number, vmid: 100 + number))] };
        Assert.Equal([1, 2, 3, 4], Due(node));
        Assert.Equal([1, 3, 4, 5], Due(NodeMachine.Close(node, Id(2))));
    }

    [Fact]
    public void What_a_replaced_agent_had_begun_is_not_sent_to_the_new_one()
    {
        var node = NodeMachine.Report(Registered with { Outbox = [Entry(1), Entry(2, vmid: 101)] }, Agent, new(Id(1), JobOutcome.Running, null), Noon).Value!;
        var replaced = NodeMachine.Enrol(node, new(OtherAgent, "pve1", "lab"));
        Assert.Equal([2], Due(replaced));
        var orphan = Assert.Single(NodeMachine.Orphans(replaced));
        Assert.Equal((Id(1), JobOutcome.Interrupted), (NodeMachine.EndOf(orphan).Id, NodeMachine.EndOf(orphan).Outcome));
    }

    [Fact]
    public void What_was_only_sent_to_a_replaced_agent_is_not_sent_to_the_new_one_either()
    {
        // The answer may have been on its way; a reinstalled host's new agent has no journal and would run it a second time.
        var node = NodeMachine.Assign(Registered with { Outbox = [.. Enumerable.Range(1, 6).Select(number => Entry(number, vmid: 100 + number))] });
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
        var node = NodeMachine.Report(Registered with { Outbox = [Entry(1)] }, Agent, new(Id(1), JobOutcome.Accepted, null), Noon).Value!;
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
                        node = NodeMachine.Enqueue(node, Entry(number, vmid: 100 + number)).Value!;
                        queued.Add(number);
                        break;
                    case 1:
                        node = NodeMachine.Report(node, Agent, new(Id(number), JobOutcome.Running, null), Noon).Value!;
                        break;
                    case 2:
                        node = NodeMachine.Report(node, Agent, new(Id(number), JobOutcome.Succeeded, null), Noon).Value!;
                        break;
                    case 3 when queued.Contains(number):
                        node = NodeMachine.Close(node, Id(number));
                        closed.Add(number);
                        break;
                }

                var open = queued.Except(closed).ToArray();
                // What an agent speaks of is with it, whether or not this is known to have been sent.
                Assert.Equal(Math.Max(Sent(node).Length, Math.Min(open.Length, NodeMachine.GuestJobsAtOnce)), Due(node).Length);
                Assert.Subset(open.ToHashSet(), Due(node).ToHashSet());
            }
        });

    private enum Kind
    {
        Guest,
        Host,
        Diagnosis,
    }

    /// <summary>A job of a kind; a host's has no target.</summary>
    private static OutboxEntry Job(int number, Kind kind, int vmid) => Entry(number, vmid: vmid) with
    {
        Job = kind switch
        {
            Kind.Host when vmid % 2 is 0 => new RebootHost(Id(number), 60),
            Kind.Host => new PatchHost(Id(number), 60, PatchMode.Apply, [], Script),
            Kind.Diagnosis => new Diagnose(Id(number), 60, new(vmid)),
            _ when vmid % 2 is 0 => new RebootGuest(Id(number), 60, new(vmid)),
            _ => Entry(number, vmid: vmid).Job,
        },
    };

    [Theory]
    [InlineData("g100 g101 g102 g103 g104", 4, "1 2 3 4", "four side by side")]
    [InlineData("g100 g101 g102", 1, "1", "one alone, if that is the limit")]
    [InlineData("g100 g100 g101", 4, "1 3", "one at a time for each target, and nobody else waits for it")]
    [InlineData("h1 g100 g101", 4, "1", "a host's job holds back what came after it")]
    [InlineData("g100 h1 g101", 4, "1", "and waits for what came before it")]
    [InlineData("h1 h1", 4, "1", "and for another of its kind")]
    [InlineData("h1 d100 g100", 4, "1 2", "a diagnosis runs beside it")]
    [InlineData("g100 g101 d100 d102", 1, "1 3 4", "and beside guests' jobs, taking no place of theirs")]
    [InlineData("d100 d101 d102 d103 d104 g105", 4, "1 2 3 4 6", "four diagnoses side by side")]
    [InlineData("d100 h1", 4, "1 2", "and keeps nobody waiting")]
    public void What_is_due_follows_from_what_came_before(string jobs, int atOnce, string due, string why)
    {
        var node = Registered with { Outbox = [.. jobs.Split(' ').Select((job, at) => Job(at + 1, job[0] switch { 'h' => Kind.Host, 'd' => Kind.Diagnosis, _ => Kind.Guest }, int.Parse(job[1..])))] };
        Assert.True(due == string.Join(' ', Due(node, atOnce)), why);
    }

    [Fact]
    public void What_was_sent_under_a_greater_limit_stays_due_and_lets_nothing_else_in()
    {
        var node = NodeMachine.Assign(Registered with { Outbox = [.. Enumerable.Range(1, 6).Select(number => Entry(number, vmid: 100 + number))] }, guestsAtOnce: 4);
        Assert.Equal([1, 2, 3, 4], Due(node, 2));
        Assert.Equal([2, 3, 4], Due(NodeMachine.Close(node, Id(1)), 2));
        Assert.Equal([4, 5], Due(NodeMachine.Close(NodeMachine.Close(NodeMachine.Close(node, Id(1)), Id(2)), Id(3)), 2));
    }

    [Fact]
    public void One_that_is_cancelled_before_it_is_sent_never_is_and_holds_back_nobody()
    {
        var node = Registered with { Outbox = [Entry(1), Job(2, Kind.Host, 1), Entry(3, vmid: 101)] };
        var cancelled = NodeMachine.Cancel(node, Id(2));
        Assert.Equal([1, 3], Due(cancelled));
        Assert.Equal([Id(2)], NodeMachine.CancelledUnsent(cancelled).Select(entry => entry.Job.Id));
        Assert.Empty(NodeMachine.ToCancel(cancelled));
        Assert.Same(cancelled, NodeMachine.Cancel(cancelled, Id(2)));
        Assert.Same(node, NodeMachine.Cancel(node, Id(9)));
    }

    [Fact]
    public void One_that_is_cancelled_after_it_was_sent_is_the_agents_to_end_until_it_says_so()
    {
        var sent = NodeMachine.Cancel(NodeMachine.Assign(Registered with { Outbox = [Entry(1), Entry(2)] }), Id(1));
        Assert.Equal([1], Due(sent)); // the push may have got lost: only who has heard of it can end it
        Assert.Equal([Id(1)], NodeMachine.ToCancel(sent).Select(entry => entry.Job.Id));
        Assert.Empty(NodeMachine.CancelledUnsent(sent));
        Assert.Empty(NodeMachine.ToCancel(NodeMachine.Enrol(sent, new(OtherAgent, "pve1", "lab")))); // not another agent's
        Assert.Equal([2], Due(NodeMachine.Close(sent, Id(1))));
    }

    // Queue, send, cancel and end jobs of any kind in any order, under a limit that changes.
    [Fact]
    public void At_no_time_do_two_jobs_run_that_must_not_and_none_overtakes_another_of_its_target() =>
        Gen.Select(Gen.Int[0, 3], Gen.Int[0, 2], Gen.Int[100, 103], Gen.Int[1, 4]).Array[0, 80].Sample(steps =>
        {
            var (node, made, kinds, ran) = (Registered, 0, new Dictionary<int, (Kind Kind, int Vmid)>(), new List<int>());
            foreach (var (step, kind, vmid, atOnce) in steps)
            {
                var open = node.Outbox.Select(entry => Number(entry)).ToArray();
                switch (step)
                {
                    case 0 or 1:
                        kinds[++made] = ((Kind)kind, vmid);
                        node = NodeMachine.Enqueue(node, Job(made, (Kind)kind, vmid)).Value!;
                        break;
                    case 2 when open.Length > 0:
                        node = NodeMachine.Cancel(node, Id(open[vmid % open.Length]));
                        foreach (var entry in NodeMachine.CancelledUnsent(node).ToArray())
                        {
                            Assert.DoesNotContain(Number(entry), ran);
                            node = NodeMachine.Close(node, entry.Job.Id);
                        }

                        break;
                    case 3 when Sent(node) is { Length: > 0 } sent:
                        node = NodeMachine.Close(node, Id(sent[vmid % sent.Length]));
                        break;
                }

                var before = Sent(node);
                node = NodeMachine.Assign(node, atOnce);
                var running = Sent(node);
                ran.AddRange(running.Except(before));
                Assert.Equal(running, Due(node, atOnce)); // what is sent is due, and what is due is sent
                var working = running.Where(number => kinds[number].Kind is not Kind.Diagnosis).ToArray();
                if (working.Any(number => kinds[number].Kind is Kind.Host))
                {
                    Assert.Single(working);
                }

                Assert.Distinct(working.Select(number => kinds[number].Vmid));
                Assert.True(working.Length <= Math.Max(atOnce, before.Length));
                foreach (var left in node.Outbox.Select(Number).Except(running))
                {
                    // Somebody waits: for a place, for its target, or for the host; never for nothing. A diagnosis waits for diagnoses.
                    Assert.True(kinds[left].Kind is Kind.Diagnosis ? running.Length - working.Length is NodeMachine.DiagnosesAtOnce : working.Length > 0);
                }
            }

            foreach (var target in ran.Where(number => kinds[number].Kind is not Kind.Diagnosis).GroupBy(number => kinds[number].Kind is Kind.Host ? 0 : kinds[number].Vmid))
            {
                Assert.Equal(target.Order(), target);
            }
        });

    [Theory]
    [InlineData(null, JobOutcome.Accepted, true)] // its first word: the job need not be sent again
    [InlineData(null, JobOutcome.Succeeded, false)] // about to be closed
    [InlineData(JobOutcome.Accepted, JobOutcome.Running, false)] // the operation stores it
    [InlineData(JobOutcome.Running, JobOutcome.Failed, false)]
    public void Stores_of_what_its_agent_says_only_what_changes_what_is_sent(JobOutcome? before, JobOutcome said, bool stored)
    {
        var node = Registered with { Outbox = [Entry(1) with { Agent = Agent, LastOutcome = before }] };
        var after = NodeMachine.Report(node, Agent, new(Id(1), said, null), Noon).Value!;
        Assert.Equal(stored ? said : before, after.Outbox.Single().LastOutcome);
        Assert.Equal(stored, !ReferenceEquals(node, after));
    }

    [Theory]
    [InlineData(null, JobOutcome.Accepted, null, false)] // where every operation begins
    [InlineData(null, JobOutcome.Accepted, "waiting: locked (backup)", true)] // is shown
    [InlineData(JobOutcome.Accepted, JobOutcome.Accepted, null, true)] // it may have waited for something until now
    [InlineData(JobOutcome.Accepted, JobOutcome.Running, null, true)]
    [InlineData(null, JobOutcome.Failed, null, true)]
    public void An_operation_is_told_all_but_that_its_agent_has_it(JobOutcome? before, JobOutcome said, string? detail, bool told) =>
        Assert.Equal(told, NodeMachine.IsNews(Registered with { Outbox = [Entry(1) with { Agent = Agent, LastOutcome = before }] }, new(Id(1), said, detail)));

    [Theory]
    [InlineData(null, false, JobOutcome.Accepted, null, false)]
    [InlineData(null, false, JobOutcome.Accepted, "waiting: locked (backup)", true)] // it gives its place away
    [InlineData(JobOutcome.Accepted, true, JobOutcome.Accepted, "waiting: locked (snapshot)", false)] // it has none
    [InlineData(JobOutcome.Accepted, true, JobOutcome.Running, null, true)] // it takes one, and those that wait beside it may be fewer than there are places now
    [InlineData(JobOutcome.Accepted, false, JobOutcome.Running, null, false)]
    [InlineData(JobOutcome.Running, false, JobOutcome.Succeeded, null, false)] // only once it is closed
    public void A_report_lets_others_in_only_if_its_job_begins_or_ends_to_wait(JobOutcome? before, bool waits, JobOutcome said, string? detail, bool lets)
    {
        var node = Registered with { Outbox = [Entry(1) with { Agent = Agent, LastOutcome = before, Waits = waits }, Entry(2, vmid: 101)] };
        Assert.Equal(lets, NodeMachine.LetsOthersIn(node, NodeMachine.Report(node, Agent, new(Id(1), said, detail), Noon).Value!, Id(1)));
    }

    [Fact]
    public void A_job_that_is_over_lets_others_in_once()
    {
        var node = Registered with { Outbox = [Entry(1) with { Agent = Agent }, Entry(2)] };
        var closed = NodeMachine.Close(node, Id(1));
        Assert.True(NodeMachine.LetsOthersIn(node, closed, Id(1)));
        Assert.False(NodeMachine.LetsOthersIn(closed, NodeMachine.Close(closed, Id(1)), Id(1)));
    }

    [Fact]
    public void A_job_that_another_agent_speaks_of_is_that_agents_from_then_on()
    {
        var node = Registered with { Outbox = [Entry(1) with { Agent = OtherAgent, LastOutcome = JobOutcome.Accepted }] };
        Assert.Equal(Agent, NodeMachine.Report(node, Agent, new(Id(1), JobOutcome.Succeeded, null), Noon).Value!.Outbox.Single().Agent);
    }

    private static int Number(OutboxEntry entry) => int.Parse(entry.Job.Id.Value[^6..]);

    private static int[] Sent(NodeState node) => [.. node.Outbox.Where(entry => entry.Agent is not null).Select(Number)];

    private static int[] Due(NodeState node, int guestsAtOnce = NodeMachine.GuestJobsAtOnce) => [.. NodeMachine.Due(node, guestsAtOnce).Select(Number)];

    [Theory]
    [InlineData(JobOutcome.Running, true, 60 + 119, false)] // its agent has the last word while it can speak
    [InlineData(JobOutcome.Running, true, 60 + 121, true)]
    [InlineData(JobOutcome.Running, false, 60 + 121, true)]
    [InlineData(JobOutcome.Accepted, false, 60 + 121, true)] // the word that it has begun may have been lost with the connection
    [InlineData(JobOutcome.Accepted, true, 60 + 121, false)] // its agent lives and says that it waits
    [InlineData(null, false, 90_000, false)] // no agent ever had it
    public void A_hosts_restart_is_overdue_when_its_agent_had_it_and_all_its_time_has_passed(JobOutcome? said, bool isOnline, int after, bool overdue)
    {
        var node = Heard(Registered with { Outbox = [Entry(1) with { Job = new RebootHost(Id(1), 60), Agent = Agent }] }, said);
        Assert.Equal(overdue, NodeMachine.Overdue(node, isOnline, Noon.AddSeconds(after)).Any());
    }

    [Theory]
    [InlineData(JobOutcome.Running, true)]
    [InlineData(JobOutcome.Accepted, false)] // it may wait for a lock, for as long as was asked for
    public void A_guests_restart_is_overdue_only_once_it_has_begun(JobOutcome said, bool overdue)
    {
        var node = Heard(Registered with { Outbox = [Entry(1) with { Job = new RebootGuest(Id(1), 60, new(100)), Agent = Agent }] }, said);
        Assert.Equal(overdue, NodeMachine.Overdue(node, isOnline: false, Noon.AddHours(1)).Any());
    }

    [Fact]
    public void A_restarts_time_begins_when_it_does_and_hearing_so_again_does_not_begin_it_anew()
    {
        var node = Registered with { Outbox = [Entry(1) with { Job = new RebootHost(Id(1), 60) }, Entry(2)] };
        node = NodeMachine.Report(node, Agent, new(Id(1), JobOutcome.Accepted, null), Noon).Value!;
        node = NodeMachine.Report(node, Agent, new(Id(1), JobOutcome.Running, null), Noon.AddHours(1)).Value!;
        Assert.Same(node, NodeMachine.Report(node, Agent, new(Id(1), JobOutcome.Running, null), Noon.AddHours(2)).Value);
        Assert.Same(node, NodeMachine.Report(node, Agent, new(Id(1), JobOutcome.Accepted, null), Noon.AddHours(2)).Value);
        Assert.Equal(Noon.AddHours(1), node.Outbox[0].HeardAt);
    }

    [Fact]
    public void A_job_that_waits_for_a_lock_gives_its_place_back_until_it_runs()
    {
        var node = NodeMachine.Assign(Registered with { Outbox = [.. Enumerable.Range(1, 20).Select(number => Entry(number, vmid: 100 + number))] });
        Assert.Equal([1, 2, 3, 4], Due(node));
        node = Says(node, 1, JobOutcome.Accepted, null);
        Assert.Equal([1, 2, 3, 4], Due(node)); // it has it, and starts
        node = Says(node, 1, JobOutcome.Accepted, "waiting: container is locked (backup)");
        Assert.Same(node, Says(node, 1, JobOutcome.Accepted, "waiting: container is locked (snapshot)"));
        node = NodeMachine.Assign(node);
        Assert.Equal([1, 2, 3, 4, 5], Due(node));
        node = Says(node, 1, JobOutcome.Running, null);
        Assert.Equal([1, 2, 3, 4, 5], Due(NodeMachine.Close(node, Id(9))));
        Assert.Equal([1, 3, 4, 5], Due(NodeMachine.Close(node, Id(2)))); // five had run: the next one's turn is not yet

        // However many wait, no more of them go beside those that run than there are places.
        node = NodeMachine.Assign(Registered with { Outbox = [.. Enumerable.Range(1, 20).Select(number => Entry(number, vmid: 100 + number))] });
        for (var number = 1; node.Outbox[number - 1].Agent is not null; number++)
        {
            node = NodeMachine.Assign(Says(node, number, JobOutcome.Accepted, "waiting: container is locked (backup)"));
        }

        Assert.Equal(2 * NodeMachine.GuestJobsAtOnce, node.Outbox.Count(entry => entry.Agent is not null));

        static NodeState Says(NodeState node, int number, JobOutcome outcome, string? detail) => NodeMachine.Report(node, Agent, new(Id(number), outcome, detail), Noon).Value!;
    }

    [Fact]
    public void Neither_a_patch_nor_what_a_replaced_agent_had_is_overdue()
    {
        var node = Registered with { Outbox = [Entry(1) with { Agent = Agent, LastOutcome = JobOutcome.Running }, Entry(2) with { Job = new RebootHost(Id(2), 60), Agent = OtherAgent, LastOutcome = JobOutcome.Running }] };
        Assert.Empty(NodeMachine.Overdue(node, isOnline: false, Noon.AddDays(9)));
    }

    private static NodeState Heard(NodeState node, JobOutcome? said) => said is { } outcome ? NodeMachine.Report(node, Agent, new(Id(1), outcome, null), Noon).Value! : node;
}
