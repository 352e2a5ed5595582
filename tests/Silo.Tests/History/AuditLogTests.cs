using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains;
using NannyOrleans.Grains.History;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;
using NannyOrleans.Silo.Audit;
using NannyOrleans.Silo.History;
using NannyOrleans.Silo.Tests.Storage;

namespace NannyOrleans.Silo.Tests.History;

public abstract class AuditLogTests(TestSilo silo) : IAsyncLifetime
{
    private static readonly AuditEntry Entry = new(new(2026, 11, 23, 12, 0, 0, TimeSpan.FromHours(1)), "person admin", "annotate", "c0123456789abcdef-lxc-100", "done", """{"notes":"x"}""");

    private HistoryTables? tables;

    private HistoryTables Tables => tables!;

    public async ValueTask InitializeAsync() => tables = await silo.NewHistory();

    public async ValueTask DisposeAsync()
    {
        await Tables.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Answers_the_newest_first_and_no_more_than_asked_for()
    {
        var log = Log();
        Assert.Empty(await Newest(log, 10));
        foreach (var number in Enumerable.Range(1, 5))
        {
            await log.Add(Entry with { Target = $"{number}", Detail = number is 5 ? null : "more" });
        }

        Assert.Equal([Entry with { Target = "5", Detail = null }, Entry with { Target = "4", Detail = "more" }], await Newest(log, 2));
    }

    [Fact]
    public async Task Answers_what_a_query_selects_page_by_page()
    {
        var (log, noon, cluster) = (Log(), Entry.At, ClusterId.Parse("c0123456789abcdef"));
        await Task.WhenAll(Enumerable.Range(0, 10).Select(number => Write([Entry with { At = noon.AddMinutes(number), Target = $"{number}" }])));
        await Write([Entry with { At = noon.AddMinutes(-5), Actor = "agent A", Action = "end-job", Target = "late", Result = "failed", Address = "192.0.2.7", Cluster = cluster }]); // another silo's clock

        foreach (var query in (AuditQuery[])
        [
            new(10) { Actor = "agent A" }, new(10) { Action = "end-job" }, new(10) { Target = "late" }, new(10) { Result = "failed" }, new(10) { Address = "192.0.2.7" },
            new(10) { Clusters = [cluster, ClusterId.Parse("c1111111111111111")] }, new(10) { To = noon }, new(10) { From = noon.AddHours(-1), To = noon.AddMinutes(-4) }, new(1), new(10) { After = 10 },
        ])
        {
            Assert.Equal("late", Assert.Single(await log.Find(query)).Entry.Target);
        }

        Assert.Empty(await log.Find(new(10) { Clusters = [] }));
        Assert.Empty(await log.Find(new(10) { From = noon.AddMinutes(10) }));
        Assert.Equal(["8", "9"], (await log.Find(new(10) { From = noon.AddMinutes(8) })).Select(record => record.Entry.Target).Order(StringComparer.Ordinal));

        // All of them, once each, in pages either way.
        var down = new List<long>();
        for (long? before = null; await log.Find(new(4) { Before = before }) is { Count: > 0 } page; before = page[^1].Sequence)
        {
            down.AddRange(page.Select(record => record.Sequence));
        }

        Assert.Equal(Enumerable.Range(1, 11).Reverse().Select(number => (long)number), down);
        Assert.Equal([3, 4, 5], (await log.Find(new(3) { After = 2, OldestFirst = true })).Select(record => record.Sequence));
        Assert.Equal(new(1, 11), await log.SpanOf(null, noon));
        Assert.Equal(11, (await log.SpanOf(noon.AddMinutes(-6), noon.AddMinutes(-4))).Last);
        Assert.Equal(new(long.MaxValue, 11), await log.SpanOf(noon.AddHours(1), noon.AddHours(2)));
    }

    [Fact]
    public async Task Takes_what_is_hostile_as_text()
    {
        var log = Log();
        var hostile = Entry with { Actor = "'); DROP TABLE audit_log; --", Detail = "\u001b[31m\u202E" + new string('x', 1_000_000) };
        await log.Add(hostile);
        Assert.Equal(hostile, Assert.Single(await Newest(log, 1)));

        await log.Add(Entry with { Target = "a\0b", Detail = "half \ud800" });
        Assert.Equal(("a\ufffdb", "half \ufffd"), (await Newest(log, 1)) is [var marked] ? (marked.Target, marked.Detail) : default);
        Assert.Null((await Verify()).Problem);
    }

    [Fact]
    public async Task What_several_write_at_once_is_one_chain_without_a_gap()
    {
        // Each with its own queue, as silos have it; and to be read while it grows.
        HistoryWrites[] silos = [Tables.Writes(), Tables.Writes(), Tables.Writes()];
        var writing = Task.WhenAll(Enumerable.Range(0, 90).Select(number => Task.Run(() => new AuditLog(Tables, silos[number % 3]).Add(Entry with { Target = $"{number}" }))));
        do
        {
            if (await Tables.Count("audit_head") > 0)
            {
                Assert.Null((await Verify()).Problem);
            }
        }
        while (!writing.IsCompleted);
        await writing.Within("90 entries");
        Assert.Equal(90, (await Log().Find(new(100))).Select(record => record.Entry.Target).Distinct().Count());
        var verdict = await Verify();
        Assert.Equal((90, null, 90), (verdict.Whole, verdict.Problem, verdict.Head!.Sequence));
    }

    [Fact]
    public async Task An_entry_is_stored_with_what_it_is_about_or_neither_is()
    {
        using var writes = Tables.Writes();
        await Assert.ThrowsAsync<InvalidOperationException>(() => writes.Write((database, audit) =>
        {
            audit.Add(Entry);
            throw new InvalidOperationException("no");
        }));
        Assert.Equal(0, await Tables.Count("audit_log"));

        var history = new OperationHistory(Tables, writes, TimeProvider.System);
        var operation = Stored.Ended with { Status = OperationStatus.Pending, CompletedAt = null, Failure = null };
        Assert.True(await history.Begin(operation));
        Assert.False(await history.Begin(operation));
        await history.Keep(operation with { Status = OperationStatus.Running });
        await history.Add(Stored.Ended, new("out", "err"), "agent 01M83HW1FS84TGPXTCYJ45S8G9");
        await history.Add(Stored.Ended, new("out", "err"), "agent 01M83HW1FS84TGPXTCYJ45S8G9"); // said again
        var late = Stored.Ended with { LateAnswer = new(JobOutcome.Succeeded, "came back", Entry.At) };
        await history.Amend(late, "agent 01M83HW1FS84TGPXTCYJ45S8G9");
        await history.Amend(late, "agent 01M83HW1FS84TGPXTCYJ45S8G9");
        var records = await Log().Find(new(10) { OldestFirst = true });
        Assert.Equal(["queue-job", "end-job", "report-late"], records.Select(record => record.Entry.Action));
        Assert.Equal(["person admin", "agent 01M83HW1FS84TGPXTCYJ45S8G9", "agent 01M83HW1FS84TGPXTCYJ45S8G9"], records.Select(record => record.Entry.Actor));
        Assert.Equal(["queued", Stored.Ended.Failure!.Code, "succeeded"], records.Select(record => record.Entry.Result));
        Assert.All(records, record => Assert.Equal((Stored.Ended.Target, Stored.Ended.Cluster), (record.Entry.Target, record.Entry.Cluster)));
        Assert.All(records, record => Assert.Contains(operation.Id.Value, record.Entry.Detail, StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_happens_in_a_campaign_is_written_down_once()
    {
        var (history, cluster, id) = (new CampaignHistory(Tables, Tables.Writes()), ClusterId.Parse("c0123456789abcdef"), JobId.Parse("01M83HW1FS84TGPXTCYJ45S8G9"));
        CampaignEvent[] news =
        [
            new(1, Entry.At, null, null, "admin started the campaign over 1 node(s).", null),
            new(2, Entry.At, NodeName.Parse("pve1"), NodeStep.Reboot, "It reboots.", [new("quorum", GateVerdict.Pass, "3 of 3")]),
            new(3, Entry.At, NodeName.Parse("pve1"), NodeStep.Reboot, "It waits.", [new("quorum", GateVerdict.Wait, "2 of 3 votes")]),
        ];
        var campaign = new CampaignState { Id = id, News = news[..2] };
        await history.Keep(cluster, campaign, plan: null);
        await history.Keep(cluster, campaign with { News = news }, plan: null);
        var records = await Log().Find(new(10) { OldestFirst = true });
        Assert.Equal(["noted", "reboot", "gate-refused"], records.Select(record => record.Entry.Result));
        Assert.Equal([cluster.Value, $"{cluster}/pve1", $"{cluster}/pve1"], records.Select(record => record.Entry.Target));
        Assert.Contains("quorum: 2 of 3 votes", records[2].Entry.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""UPDATE audit_log SET "Detail" = 'another' WHERE "Sequence" = 3""", 3)]
    [InlineData("""UPDATE audit_log SET "Result" = 'done' WHERE "Sequence" = 3""", null)] // as it was: nothing has changed
    [InlineData("""UPDATE audit_log SET "Address" = '' WHERE "Sequence" = 3""", 3)] // not there is not empty
    [InlineData("""UPDATE audit_log SET "Cluster" = 'no cluster' WHERE "Sequence" = 3""", 3)] // what can't be read
    [InlineData("""UPDATE audit_log SET "At" = -1 WHERE "Sequence" = 3""", 3)]
    [InlineData("""UPDATE audit_log SET "Sequence" = 0 WHERE "Sequence" = 3""", 1)]
    [InlineData("""DELETE FROM audit_log WHERE "Sequence" = 3""", 3)]
    [InlineData("""DELETE FROM audit_log WHERE "Sequence" = 1""", 1)]
    [InlineData("""DELETE FROM audit_log WHERE "Sequence" = 6""", 6)]
    [InlineData("DELETE FROM audit_log", 1)]
    [InlineData("""DELETE FROM audit_head""", 7)]
    [InlineData("""DELETE FROM audit_log; DELETE FROM audit_head""", 1)]
    [InlineData("""DELETE FROM audit_log WHERE "Sequence" = 6; UPDATE audit_head SET "Sequence" = 5, "Hash" = (SELECT "Hash" FROM audit_log WHERE "Sequence" = 5)""", 6)]
    [InlineData("""INSERT INTO audit_log SELECT 7, "At", "Actor", "Address", "Action", "Target", "Cluster", "Result", "Detail", "Previous", "Hash" FROM audit_log WHERE "Sequence" = 6""", 7)]
    public async Task Whoever_has_the_database_alone_changes_nothing_unnoticed(string change, int? brokenAt)
    {
        await Write([.. Enumerable.Range(1, 6).Select(number => Entry with { Target = $"{number}" })]);
        var noted = (await Verify()).Head!;
        await Tables.Tell(WithoutTriggers);
        await Tables.Tell(change);
        var verdict = await Verify();
        Assert.Equal((brokenAt ?? 7) - 1, verdict.Whole);
        Assert.Equal(brokenAt is null, verdict.Problem is null);
        Assert.Equal(brokenAt is null, (await Verify(new(noted.Sequence, noted.Hash))).Problem is null);
    }

    [Fact]
    public async Task Nothing_is_hung_to_a_head_that_was_tampered_with()
    {
        await Write([Entry, Entry]);
        await Tables.Tell(WithoutTriggers);
        await Tables.Tell("""DELETE FROM audit_log WHERE "Sequence" = 2""");
        await Tables.Tell("""UPDATE audit_head SET "Sequence" = 1, "Hash" = (SELECT "Hash" FROM audit_log WHERE "Sequence" = 1)""");
        Assert.Contains("was not sealed", (await Assert.ThrowsAsync<NotStoredException>(() => Write([Entry]))).Message, StringComparison.Ordinal);
        Assert.Equal(1, await Tables.Count("audit_log"));

        // Nor where the head is gone: what would be a log of its own has no place.
        await Tables.Tell("DELETE FROM audit_head");
        await Assert.ThrowsAnyAsync<DbException>(() => Write([Entry]));
    }

    [Theory]
    [InlineData("""UPDATE audit_log SET "Detail" = 'another'""")]
    [InlineData("""DELETE FROM audit_log WHERE "Sequence" = 1""")]
    [InlineData("""DELETE FROM audit_head""")]
    [InlineData("""UPDATE audit_head SET "Sequence" = 0""")]
    public async Task The_database_refuses_to_change_or_remove_entries(string change)
    {
        await Write([Entry]);
        Assert.Contains("append-only", (await Assert.ThrowsAnyAsync<DbException>(() => Tables.Tell(change))).Message, StringComparison.Ordinal);
        Assert.Null((await Verify()).Problem);
    }

    [Fact]
    public async Task A_log_put_back_to_an_earlier_time_is_whole_and_only_a_noted_head_tells()
    {
        await Write([Entry, Entry]);
        var head = await Tables.Ask<byte[]>("""SELECT "Seal" FROM audit_head""");
        await Write([Entry]);
        var noted = (await Verify()).Head!;
        await Tables.Tell(WithoutTriggers);
        await Tables.Tell("""DELETE FROM audit_log WHERE "Sequence" = 3""");
        await Tables.Tell("""UPDATE audit_head SET "Sequence" = 2, "Hash" = (SELECT "Hash" FROM audit_log WHERE "Sequence" = 2), "Seal" = @payload""", head);
        Assert.Null((await Verify()).Problem);
        Assert.Contains("put back to an earlier time", (await Verify(new(noted.Sequence, noted.Hash))).Problem, StringComparison.Ordinal);
    }

    /// <summary>What somebody does first who wants to change the log.</summary>
    protected abstract string WithoutTriggers { get; }

    private AuditLog Log() => new(Tables, Tables.Writes());

    private async Task Write(IReadOnlyList<AuditEntry> entries)
    {
        using var writes = Tables.Writes();
        await writes.Write((_, audit) =>
        {
            entries.ToList().ForEach(audit.Add);
            return Task.CompletedTask;
        });
    }

    private static async Task<IReadOnlyList<AuditEntry>> Newest(AuditLog log, int count) => [.. (await log.Find(new(count))).Select(record => record.Entry)];

    private Task<AuditVerdict> Verify(NotedHead? noted = null) => AuditVerification.Verify(Tables, Tables.Key, noted, (_, _) => { }, CancellationToken.None);
}

public sealed class AuditLogOnSqliteTests(SharedSilo silo) : AuditLogTests(silo)
{
    protected override string WithoutTriggers =>
        "DROP TRIGGER audit_log_not_changed; DROP TRIGGER audit_log_not_removed; DROP TRIGGER audit_log_in_order; DROP TRIGGER audit_head_not_removed; DROP TRIGGER audit_head_goes_on";
}

public sealed class AuditLogOnPostgresTests(SiloOnPostgres silo) : AuditLogTests(silo), IClassFixture<SiloOnPostgres>
{
    protected override string WithoutTriggers => "ALTER TABLE audit_log DISABLE TRIGGER ALL; ALTER TABLE audit_head DISABLE TRIGGER ALL";
}
