using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Guests;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Grains.Tests.Nodes;

public sealed class NodeGrainTests(SiloCluster silo)
{
    private static int used;

    private readonly ClusterId cluster = ClusterId.Parse($"c{Interlocked.Increment(ref used):x16}");
    private readonly AgentId agent = AgentId.Parse("01M83HW1FS84TGPXTCYJ45S8G9");
    private readonly AgentId newerAgent = AgentId.Parse("01M83HYC366EDV4QB830883JAT");

    private INodeGrain Node => silo.Grains.GetGrain<INodeGrain>($"{cluster}/pve1");

    [Fact]
    public async Task A_job_goes_down_the_session_and_its_end_is_history_once()
    {
        var session = await Connect();
        var id = await Enqueue(1);
        Assert.Equal(id, (await session.NextJob()).Id);
        Assert.Equal(OperationStatus.Pending, (await Operation(id))!.Status);

        Assert.Null(await Node.Report(agent, new(id, JobOutcome.Running, null)));
        Assert.Equal(OperationStatus.Running, (await Operation(id))!.Status);

        // The agent says it until it hears an answer; so it may say it often.
        Assert.Null(await Node.Report(agent, Success(id)));
        Assert.Null(await Node.Report(agent, Success(id)));
        Assert.Null(await Node.Report(agent, new(id, JobOutcome.Interrupted, "late")));
        Assert.Equal(OperationStatus.Succeeded, (await Operation(id))!.Status);
        Assert.Equal(1, silo.History.AddsOf(id.Value));

        // The end is known to the guest too.
        var guest = await silo.Grains.GetGrain<IGuestGrain>($"{cluster}/100").Get();
        Assert.Equal((id, 0), (guest.Patches!.Operation, guest.Patches.Pending));

        Assert.Empty((await Connect()).Received);
    }

    [Fact]
    public async Task A_script_the_agent_did_not_trust_is_written_down_as_its_word()
    {
        var session = await Connect();
        var id = await Enqueue(1);
        await session.NextJob();
        silo.History.FailNextAdd[id.Value] = true;
        var refused = new JobReport(id, JobOutcome.Failed, $"{ScriptSignature.Refused}apt-update.sh is not signed");
        await Assert.ThrowsAnyAsync<Exception>(() => Node.Report(agent, refused)); // not acknowledged: it is said again
        Assert.Null(await Node.Report(agent, refused));
        Assert.Null(await Node.Report(agent, refused));
        Assert.Equal("script-refused", (await Operation(id))!.Failure?.Code);
        Assert.Equal((1, $"agent {agent}"), (silo.History.AddsOf(id.Value), silo.History.ReporterOf(id.Value)));
    }

    [Fact]
    public async Task A_job_for_an_agent_that_is_away_waits_for_it()
    {
        await Node.Enrol(new(agent, "pve1", "lab"));
        var id = await Enqueue(1);
        Assert.Equal(OperationStatus.Pending, (await Operation(id))!.Status);
        Assert.Equal(id, (await (await Connect()).NextJob()).Id);
    }

    [Fact]
    public async Task An_unfinished_job_is_sent_again_down_a_new_session()
    {
        var first = await Connect();
        var id = await Enqueue(1);
        await first.NextJob();
        await Node.Report(agent, new(id, JobOutcome.Running, null));
        var second = await Connect();
        Assert.Equal(id, (await second.NextJob()).Id);
        await first.Closed;
    }

    [Fact]
    public async Task A_push_that_got_lost_is_made_again_at_the_next_renewal()
    {
        var session = await Connect();
        var id = await Enqueue(1);
        await session.NextJob(); // it arrived, but nobody ever answers
        Assert.True(await Node.Renew(session.Ticket, session.Reference));
        Assert.Equal(id, (await session.NextJob()).Id);
        await Node.Report(agent, new(id, JobOutcome.Accepted, null));
        Assert.True(await Node.Renew(session.Ticket, session.Reference));
        await Enqueue(2, vmid: 101);
        Assert.Equal(Id(2), (await session.NextJob()).Id); // and not the first one a third time
    }

    [Fact]
    public async Task An_older_session_is_told_to_end_and_its_end_does_not_end_the_newer_one()
    {
        var first = await Connect();
        var second = await Connect();
        await first.Closed;
        Assert.False(await Node.Renew(first.Ticket, first.Reference));
        await Node.Detach(first.Ticket);
        Assert.True(await HasSession());
        await Node.Detach(second.Ticket);
        Assert.False(await HasSession());
    }

    [Fact]
    public async Task A_session_nobody_renews_is_over()
    {
        await Connect();
        Assert.True(await HasSession());
        silo.Clock.Shift += NodeMachine.SessionLife + TimeSpan.FromSeconds(1);
        Assert.False(await HasSession());
    }

    [Fact]
    public async Task After_a_restart_a_renewal_brings_the_session_back_with_what_is_due()
    {
        var session = await Connect();
        var id = await Enqueue(1);
        await session.NextJob();
        await silo.ForgetActivations();
        Assert.False(await HasSession());
        Assert.True(await Node.Renew(session.Ticket, session.Reference));
        Assert.True(await HasSession());
        Assert.Equal(id, (await session.NextJob()).Id);
    }

    [Fact]
    public async Task A_newly_registered_agent_replaces_the_old_one_and_what_that_was_running_is_interrupted()
    {
        var old = await Connect();
        var id = await Enqueue(1);
        await old.NextJob();
        await Node.Report(agent, new(id, JobOutcome.Running, null));

        await Node.Enrol(new(newerAgent, "pve1", "lab"));
        await old.Closed;
        Assert.Equal(OperationStatus.Interrupted, (await Operation(id))!.Status);
        Assert.Equal("not-this-nodes-agent", (await Node.Report(agent, Success(id)))?.Code);
        Assert.Equal("not-this-nodes-agent", (await Node.Attach(agent, old.Reference)).Refusal?.Code);
        Assert.False(await Node.IsAgent(agent));
        Assert.Equal(OperationStatus.Interrupted, (await Operation(id))!.Status);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)] // the write landed, its answer did not
    public async Task A_failed_write_refuses_the_job_or_has_it_but_never_half(bool landed)
    {
        var session = await Connect();
        silo.Storage.FailNextWrite($"{cluster}/pve1", landed);
        await Assert.ThrowsAnyAsync<Exception>(() => Enqueue(1));
        Assert.False(silo.Storage.StillFailing($"{cluster}/pve1"));

        // The caller tries again with the same job, as it must with an unknown outcome.
        await Enqueue(1);
        var again = await Connect();
        Assert.Equal(Id(1), (await again.NextJob()).Id);
        Assert.Empty(again.Received);
        Assert.Equal(OperationStatus.Pending, (await Operation(Id(1)))!.Status);
        GC.KeepAlive(session);
    }

    [Fact]
    public async Task A_job_whose_operation_could_not_be_opened_is_sent_and_opened_with_the_next_renewal_and_its_result_is_kept()
    {
        var session = await Connect();
        silo.History.FailNextKeep[Id(1).Value] = false;
        await Assert.ThrowsAnyAsync<Exception>(() => Enqueue(1));
        Assert.True(await Node.Renew(session.Ticket, session.Reference));
        Assert.Equal(Id(1), (await session.NextJob()).Id);
        Assert.Null(await Node.Report(agent, Success(Id(1))));
        Assert.Equal(OperationStatus.Succeeded, (await Operation(Id(1)))!.Status);
        Assert.Equal(1, silo.History.AddsOf(Id(1).Value));
    }

    [Fact]
    public async Task One_operation_that_cannot_be_opened_keeps_no_other_from_running()
    {
        await Node.Enrol(new(agent, "pve1", "lab"));
        await Enqueue(1);
        await Enqueue(2, vmid: 101);
        silo.History.Unreadable[Id(1).Value] = true;
        await silo.ForgetActivations();
        var session = await Connect();
        Assert.Equal(Id(2), (await session.NextJob()).Id);
        Assert.Empty(session.Received);

        // Nobody renews and nothing ends: it is tried again all the same.
        silo.History.Unreadable.TryRemove(Id(1).Value, out _);
        Assert.Equal(Id(1), (await session.NextJob()).Id);
    }

    [Fact]
    public async Task An_activation_that_was_frozen_takes_the_word_of_a_newer_one_for_who_is_connected()
    {
        var old = await Connect();

        // Elsewhere the agent came back: another activation counted on, and wrote.
        var newer = await AttachElsewhere();
        Assert.True(await Node.Renew(newer.Ticket, newer.Reference)); // and is not told to close the connection that is the agent's
        Assert.False(await Node.Renew(old.Ticket, old.Reference));
        await Node.Detach(old.Ticket);
        await Enqueue(1);
        Assert.Equal(Id(1), (await newer.Listener.NextJob()).Id);
        Assert.Empty(old.Received);
        Assert.Equal(newer.Ticket.Epoch + 1, (await Connect()).Ticket.Epoch);
    }

    [Fact]
    public async Task An_activation_that_was_frozen_sends_nothing_down_the_older_connection()
    {
        var old = await Connect();
        var newer = await AttachElsewhere();
        await Assert.ThrowsAnyAsync<Exception>(() => Enqueue(1)); // it is not stored, and so not sent
        Assert.False(await Node.Renew(old.Ticket, old.Reference)); // asked of the activation after that
        Assert.True(await Node.Renew(newer.Ticket, newer.Reference));
        await Enqueue(1);
        Assert.Equal(Id(1), (await newer.Listener.NextJob()).Id);
        Assert.Empty(old.Received);
    }

    [Fact]
    public async Task The_result_of_a_job_that_another_activation_queued_is_not_taken_for_an_old_one()
    {
        await Connect();
        await Elsewhere(node => NodeMachine.Assign(NodeMachine.Enqueue(node, Entry(1)).Value!));
        Assert.Null(await Node.Report(agent, Success(Id(1)))); // the agent never says it again
        Assert.Equal(OperationStatus.Succeeded, (await Operation(Id(1)))!.Status);
        Assert.Equal(1, silo.History.AddsOf(Id(1).Value));
    }

    [Fact]
    public async Task A_ticket_of_before_the_database_was_put_back_is_no_good()
    {
        var session = await Connect();
        Assert.False(await Node.Renew(new(session.Ticket.Epoch + 7), session.Reference));
        Assert.Equal(session.Ticket.Epoch + 1, (await Connect()).Ticket.Epoch);
    }

    [Fact]
    public async Task A_newer_connection_that_could_not_be_stored_leaves_the_older_one_alone()
    {
        var session = await Connect();
        silo.Storage.FailNextWrite($"node/{cluster}", landed: false);
        await Assert.ThrowsAnyAsync<Exception>(() => Node.Attach(agent, session.Reference));
        Assert.True(await Node.Renew(session.Ticket, session.Reference));
        Assert.False(session.IsClosed);
        await Enqueue(1);
        Assert.Equal(Id(1), (await session.NextJob()).Id);
    }

    [Fact]
    public async Task A_job_that_was_sent_to_an_agent_is_never_sent_to_its_successor()
    {
        var session = await Connect();
        var id = await Enqueue(1);
        await session.NextJob(); // and no answer has come yet
        await Node.Enrol(new(newerAgent, "pve1", "lab"));
        Assert.Equal(OperationStatus.Interrupted, (await Operation(id))!.Status);
    }

    [Theory]
    [InlineData("outbox, before")]
    [InlineData("outbox, landed")]
    [InlineData("history")]
    public async Task A_result_whose_storing_failed_is_not_acknowledged_and_the_next_time_it_is_stored_once(string where)
    {
        await Connect();
        var id = await Enqueue(1);
        if (where is "history")
        {
            silo.History.FailNextAdd[id.Value] = true;
        }
        else
        {
            silo.Storage.FailNextWrite($"{cluster}/pve1", landed: where is "outbox, landed");
        }

        await Assert.ThrowsAnyAsync<Exception>(() => Node.Report(agent, Success(id)));
        Assert.Null(await Node.Report(agent, Success(id)));
        Assert.Equal(OperationStatus.Succeeded, (await Operation(id))!.Status);
        Assert.Equal(1, silo.History.AddsOf(id.Value));
        Assert.Empty((await Connect()).Received);
    }

    [Fact]
    public async Task A_target_has_one_job_at_a_time_and_the_next_one_is_sent_when_it_has_ended()
    {
        var session = await Connect();
        var (first, second) = (await Enqueue(1), await Enqueue(2));
        Assert.Equal(first, (await session.NextJob()).Id);
        Assert.Null(await Node.Report(agent, new(first, JobOutcome.Running, null)));
        Assert.True(await Node.Renew(session.Ticket, session.Reference));
        Assert.DoesNotContain(second, session.Received.Select(job => job.Id));
        Assert.Null(await Node.Report(agent, Success(first)));
        Assert.Equal(second, (await session.NextJob()).Id);
    }

    [Fact]
    public async Task A_job_that_is_cancelled_before_it_is_sent_ends_at_once_and_is_never_sent()
    {
        await Node.Enrol(new(agent, "pve1", "lab"));
        var id = await Enqueue(1);
        var cancelled = await Node.Cancel(id);
        Assert.Equal((OperationStatus.Cancelled, "cancelled"), (cancelled.Value?.Status, cancelled.Value?.Failure?.Code));
        Assert.Equal("already-ended", (await Node.Cancel(id)).Refusal?.Code);
        Assert.Empty((await Connect()).Received);

        // Nothing was looked at, so nothing is known anew of the guest.
        Assert.Null((await silo.Grains.GetGrain<IGuestGrain>($"{cluster}/100").Get()).Patches);
    }

    [Fact]
    public async Task A_job_that_waits_for_its_turn_is_cancelled_without_the_agent_and_the_one_after_it_comes_next()
    {
        var session = await Connect();
        var (first, second, third) = (await Enqueue(1), await Enqueue(2), await Enqueue(3));
        await session.NextJob();
        Assert.Equal(OperationStatus.Cancelled, (await Node.Cancel(second)).Value?.Status);
        Assert.Null(await Node.Report(agent, Success(first)));
        Assert.Equal(third, (await session.NextJob()).Id);
    }

    [Fact]
    public async Task The_agent_is_told_to_end_a_job_at_once_and_at_every_renewal_until_its_end_comes()
    {
        var session = await Connect();
        var id = await Enqueue(1);
        await session.NextJob();
        await Node.Report(agent, new(id, JobOutcome.Running, null));
        var asked = await Node.Cancel(id);
        Assert.Equal((OperationStatus.Running, true), (asked.Value?.Status, asked.Value?.CancelRequested));
        Assert.Equal(id, (await session.NextCancel()).Id);
        Assert.True(await Node.Renew(session.Ticket, session.Reference));
        Assert.Equal(id, (await session.NextCancel()).Id);

        await silo.ForgetActivations(); // it is stored, so a restart does not forget it
        Assert.True(await Node.Renew(session.Ticket, session.Reference));
        Assert.Equal(id, (await session.NextCancel()).Id);
        Assert.True((await Operation(id))!.CancelRequested);

        Assert.Null(await Node.Report(agent, new(id, JobOutcome.Cancelled, "During download.")));
        Assert.Equal(OperationStatus.Cancelled, (await Operation(id))!.Status);
        Assert.Equal("already-ended", (await Node.Cancel(id)).Refusal?.Code);
    }

    [Theory]
    [InlineData("outbox, before")]
    [InlineData("outbox, landed")]
    [InlineData("mark, before")]
    [InlineData("mark, landed")]
    [InlineData("end")]
    public async Task A_cancel_whose_storing_failed_can_be_asked_for_again_and_the_job_never_runs_after_one_that_was_answered(string where)
    {
        await Node.Enrol(new(agent, "pve1", "lab"));
        var id = await Enqueue(1);
        switch (where)
        {
            case "outbox, before" or "outbox, landed":
                silo.Storage.FailNextWrite($"{cluster}/pve1", landed: where is "outbox, landed");
                break;
            case "end":
                silo.History.FailNextAdd[id.Value] = true;
                break;
            default:
                silo.History.FailNextKeep[id.Value] = where is "mark, landed";
                break;
        }

        try
        {
            await Node.Cancel(id);
        }
        catch (Exception)
        {
            // Not answered, so it is asked for again.
        }

        await Node.Cancel(id);
        Assert.Equal(OperationStatus.Cancelled, (await Operation(id))!.Status);
        Assert.Equal(1, silo.History.AddsOf(id.Value));
        Assert.Empty((await Connect()).Received);
    }

    [Fact]
    public async Task A_job_nobody_knows_cannot_be_cancelled() => Assert.Equal("not-found", (await Node.Cancel(Id(9))).Refusal?.Code);

    [Fact]
    public async Task An_operation_of_before_rows_were_there_from_the_first_moment_on_is_found_and_ends()
    {
        await Connect();
        var id = await Enqueue(1);
        var before = (await Operation(id))!;
        await silo.ForgetActivations();
        silo.History.Forget(id.Value);
        var state = new GrainState<OperationState> { State = new() { Operation = before } };
        await silo.Storage.WriteStateAsync("operation", silo.Grains.GetGrain<IOperationGrain>(id.Value).GetGrainId(), state);
        Assert.Equal(OperationStatus.Pending, (await Operation(id))!.Status);
        Assert.Null(await Node.Report(agent, Success(id)));
        Assert.Equal(OperationStatus.Succeeded, (await Operation(id))!.Status);
    }

    [Fact]
    public async Task What_an_agent_waits_for_is_shown_until_it_starts()
    {
        await Connect();
        var id = await Enqueue(1);
        await Node.Report(agent, new(id, JobOutcome.Accepted, "The container is locked (backup)."));
        Assert.Equal("The container is locked (backup).", (await Operation(id))!.WaitingFor);
        await Node.Report(agent, new(id, JobOutcome.Accepted, "The container is locked (snapshot)."));
        Assert.Equal("The container is locked (snapshot).", (await Operation(id))!.WaitingFor);
        await Node.Report(agent, new(id, JobOutcome.Running, null));
        Assert.Null((await Operation(id))!.WaitingFor);
    }

    [Fact]
    public async Task Output_is_read_as_it_comes_and_in_the_end_as_it_is_stored()
    {
        await Connect();
        var id = await Enqueue(1);
        var operation = silo.Grains.GetGrain<IOperationGrain>(id.Value);
        var node = NodeKey.Parse($"{cluster}/pve1");
        await Node.Report(agent, new(id, JobOutcome.Running, null));
        var waiting = operation.ReadOutput(default, OperationStatus.Running, OutputPage.MaxWait);
        await operation.TakeOutput(NodeKey.Parse($"{cluster}/pve2"), new(id, OutputChannel.StandardError, 0, 5, "forged"));
        await operation.TakeOutput(node, new(id, OutputChannel.StandardError, 0, 6, "Hit:1\n"));
        var page = await waiting;
        var piece = Assert.Single(page!.Pieces);
        Assert.Equal((OutputChannel.StandardError, 0, 6, "Hit:1\n"), (piece.Channel, piece.Offset, piece.End, piece.Text));

        var next = operation.ReadOutput(new(0, 6), OperationStatus.Running, OutputPage.MaxWait);
        await Node.Report(agent, Success(id) with { StandardError = "Hit:1\nDone\n" });
        var end = await next;
        Assert.Equal(OperationStatus.Succeeded, end!.Operation.Status);
        Assert.Equal("Done\n", string.Concat(end.Pieces.Where(one => one.Channel is OutputChannel.StandardError).Select(one => one.Text)));
        Assert.Null(await silo.Grains.GetGrain<IOperationGrain>(Id(9).Value).ReadOutput(default, null, TimeSpan.Zero));
    }

    [Fact]
    public async Task A_restart_whose_host_stays_away_is_a_timeout_after_a_restart_of_the_server_too_and_its_late_return_is_noted()
    {
        var session = await Connect();
        var target = new OperationTarget(cluster, NodeName.Parse("pve1"), "pve1", null, null, agent, PlatformFamily.Debian);
        Assert.False((await Node.Enqueue(target.Reboot(Id(1), null, 60, 0, "admin", DateTimeOffset.UnixEpoch))).IsRefused);
        await session.NextJob();
        await Node.Report(agent, new(Id(1), JobOutcome.Accepted, null));
        await Node.Report(agent, new(Id(1), JobOutcome.Running, null));
        await Node.Detach(session.Ticket);
        await Node.EndOverdue();
        Assert.Equal(OperationStatus.Running, (await Operation(Id(1)))!.Status);

        await silo.ForgetActivations();
        silo.Clock.Shift += TimeSpan.FromSeconds(60) + NodeMachine.RebootAllowance + TimeSpan.FromSeconds(1);
        await Node.EndOverdue();
        await Node.EndOverdue();
        var ended = (await Operation(Id(1)))!;
        Assert.True(ended.IsTimedOutReboot);
        Assert.Equal(1, silo.History.AddsOf(Id(1).Value));

        // It is back: what it says is kept, the status stays, and the next job's turn comes.
        await Node.Enqueue(target.Reboot(Id(2), null, 60, 0, "admin", DateTimeOffset.UnixEpoch));
        var back = await Connect();
        Assert.Equal(Id(1), (await back.NextJob()).Id); // its agent answers from the journal
        await Node.Report(agent, new(Id(1), JobOutcome.Succeeded, "came back with kernel 6.17"));
        var late = (await Operation(Id(1)))!;
        Assert.Equal((JobOutcome.Succeeded, "came back with kernel 6.17"), (late.LateAnswer!.Outcome, late.LateAnswer.Detail));
        Assert.True(late.IsTimedOutReboot);
        Assert.Equal(Id(2), (await back.NextJob()).Id);
    }

    // As another silo does it that took this one for dead.
    private async Task<NodeState> Elsewhere(Func<NodeState, NodeState> change)
    {
        var row = new GrainState<NodeState>();
        await silo.Storage.ReadStateAsync("node", Node.GetGrainId(), row);
        row.State = change(row.State!);
        await silo.Storage.WriteStateAsync("node", Node.GetGrainId(), row);
        return row.State;
    }

    private async Task<(SessionTicket Ticket, IAgentSession Reference, ListeningSession Listener)> AttachElsewhere()
    {
        var node = await Elsewhere(node => NodeMachine.Attach(node, agent).Value!);
        var listener = new ListeningSession();
        return (new(node.Epoch), silo.Grains.CreateObjectReference<IAgentSession>(listener), listener);
    }

    private async Task<ListeningSession> Connect()
    {
        await Node.Enrol(new(agent, "pve1", "lab"));
        return await ListeningSession.Open(silo.Grains, Node, agent);
    }

    // Asking for a report is refused at once when nobody is there to ask.
    private async Task<bool> HasSession() => await Node.Discover(new(null)) is null;

    private async Task<JobId> Enqueue(int number, int vmid = 100)
    {
        Assert.False((await Node.Enqueue(Entry(number, vmid))).IsRefused);
        return Id(number);
    }

    private OutboxEntry Entry(int number, int vmid = 100)
    {
        var route = new PatchRoute(NodeName.Parse("pve1"), new(vmid), "web-01", PlatformFamily.Debian, "apt-update.sh");
        return new PatchOrder(PatchMode.DryRun, [], "admin").At(Id(number), cluster, route, new("apt-update.sh", new string('a', 64)), DateTimeOffset.UnixEpoch);
    }

    private Task<OperationRecord?> Operation(JobId id) => silo.Grains.GetGrain<IOperationGrain>(id.Value).Get();

    // Operations are found by id alone, so each test has its own.
    private JobId Id(int number) => JobId.Parse($"01M83HW1FS84TG{cluster.Value[^6..].ToUpperInvariant()}{number:D6}");

    private static JobReport Success(JobId id) => new(id, JobOutcome.Succeeded, null)
    {
        ExitCode = 0,
        StandardOutput = """{"mode":"dry-run","packages":[],"kept_back":[],"held":[],"removed":[],"failed":[],"reboot_required":false,"warnings":[]}""",
    };
}
