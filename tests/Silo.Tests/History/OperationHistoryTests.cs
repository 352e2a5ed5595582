using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;
using NannyOrleans.Silo.History;
using NannyOrleans.Silo.Tests.Storage;

namespace NannyOrleans.Silo.Tests.History;

public abstract class OperationHistoryTests(TestSilo shared)
{
    private const string Reporter = "agent 01M83HW1FS84TGPXTCYJ45S8G9";
    private static int used;

    private readonly OperationRecord ended = Stored.Ended with { Id = JobId.Parse($"01M83HW1FS84TG{Interlocked.Increment(ref used):D12}") };

    private IOperationHistory History => shared.Silo.History;

    [Fact]
    public async Task Keeps_what_was_added()
    {
        await History.Add(ended, new("out", "err"), Reporter);
        Assert.Equal(Stored.Json(ended), Stored.Json(await History.Find(ended.Id.Value)));
        Assert.Equal(new("out", "err"), await History.FindOutput(ended.Id.Value));
    }

    [Fact]
    public async Task Finds_nothing_under_an_unknown_id()
    {
        Assert.Null(await History.Find("01M83HW1FS84TGZZZZZZZZZZZZ"));
        Assert.Null(await History.FindOutput("01M83HW1FS84TGZZZZZZZZZZZZ"));
        Assert.Null(await History.Find("' OR 1=1 --"));
    }

    [Fact]
    public async Task The_first_stays()
    {
        await History.Add(ended, new("first", string.Empty), Reporter);
        await History.Add(ended with { Status = OperationStatus.Interrupted }, new("second", string.Empty), Reporter);
        Assert.Equal(OperationStatus.Failed, (await History.Find(ended.Id.Value))!.Status);
        Assert.Equal("first", (await History.FindOutput(ended.Id.Value))!.StandardOutput);
    }

    [Fact]
    public async Task Of_many_at_once_one_stays_whole_and_none_fails()
    {
        var statuses = new[] { OperationStatus.Succeeded, OperationStatus.Failed, OperationStatus.Interrupted };
        await Task.WhenAll(Enumerable.Range(0, 24).Select(number => Task.Run(() =>
            History.Add(ended with { Status = statuses[number % 3] }, new($"{statuses[number % 3]}", string.Empty), Reporter)))).Within("24 additions");
        var kept = await History.Find(ended.Id.Value);
        Assert.Equal($"{kept!.Status}", (await History.FindOutput(ended.Id.Value))!.StandardOutput);
    }

    [Fact] // They do not share a queue: the statement itself decides whose end stands.
    public async Task Of_two_writers_with_ways_of_their_own_the_first_stays_whole()
    {
        await using var tables = await shared.NewHistory();
        using var one = tables.Writes();
        using var other = tables.Writes();
        await Task.WhenAll(
            Task.Run(() => new OperationHistory(tables, one, TimeProvider.System).Add(ended with { Status = OperationStatus.Succeeded }, new($"{OperationStatus.Succeeded}", string.Empty), Reporter)),
            Task.Run(() => new OperationHistory(tables, other, TimeProvider.System).Add(ended with { Status = OperationStatus.Failed }, new($"{OperationStatus.Failed}", string.Empty), Reporter))).Within("both");
        var reader = new OperationHistory(tables, one, TimeProvider.System);
        Assert.Equal($"{(await reader.Find(ended.Id.Value))!.Status}", (await reader.FindOutput(ended.Id.Value))!.StandardOutput);
        Assert.Equal(1, await tables.Count("operations"));
    }

    [Fact]
    public async Task Takes_two_megabytes()
    {
        var output = new OperationOutput(new string('ä', 2 * 1024 * 1024), new string('x', 2 * 1024 * 1024));
        await History.Add(ended, output, Reporter);
        Assert.True(output == await History.FindOutput(ended.Id.Value)); // not Equal, which would print four megabytes
    }

    [Theory]
    [InlineData("before\0after", "before\uFFFDafter")]
    [InlineData("\0", "\uFFFD")]
    [InlineData("whole \uD83D\uDE00 pair", "whole \uD83D\uDE00 pair")]
    [InlineData("\u001b[31mred\u001b[0m\r\n\t\u0007", "\u001b[31mred\u001b[0m\r\n\t\u0007")]
    public async Task Takes_what_is_no_text(string printed, string kept)
    {
        await History.Add(ended with { Failure = new("script-failed", printed) }, new(printed, printed), Reporter);
        Assert.Equal(new(kept, kept), await History.FindOutput(ended.Id.Value));
        Assert.Equal(printed, (await History.Find(ended.Id.Value))!.Failure!.Message);
    }

    [Fact] // Not rows of the theory: attributes are UTF-8 themselves.
    public async Task Takes_half_a_surrogate_pair()
    {
        var (high, low) = ("half \uD83D of a pair", "\uDE00 the other half");
        await History.Add(ended with { Failure = new("script-failed", high) }, new(high, low), Reporter);
        Assert.Equal(new("half \uFFFD of a pair", "\uFFFD the other half"), await History.FindOutput(ended.Id.Value));
        Assert.Equal("half \uFFFD of a pair", (await History.Find(ended.Id.Value))!.Failure!.Message);
    }

    [Fact]
    public async Task Refuses_one_that_has_not_ended() =>
        await Assert.ThrowsAsync<ArgumentException>(() => History.Add(ended with { CompletedAt = null }, new(string.Empty, string.Empty), Reporter));

    [Fact]
    public async Task Refuses_to_keep_one_alive_that_has_ended() => await Assert.ThrowsAsync<ArgumentException>(() => History.Keep(ended));

    [Fact]
    public async Task An_operation_is_there_from_its_first_moment_and_changes_until_it_has_ended_and_never_after()
    {
        var alive = ended with { Status = OperationStatus.Pending, CompletedAt = null, Findings = null, Failure = null };
        await History.Keep(alive);
        Assert.Equal((OperationStatus.Pending, null), ((await History.Find(ended.Id.Value))!.Status, await History.FindOutput(ended.Id.Value)));
        await History.Keep(alive with { Status = OperationStatus.Running });
        Assert.Equal(OperationStatus.Running, (await History.Find(ended.Id.Value))!.Status);
        await History.Add(ended, new("out", "err"), Reporter);
        await History.Keep(alive with { Status = OperationStatus.Running }); // a predecessor's late word
        Assert.Equal(OperationStatus.Failed, (await History.Find(ended.Id.Value))!.Status);
        Assert.Equal(new("out", "err"), await History.FindOutput(ended.Id.Value));
    }

    [Fact]
    public async Task A_list_is_filtered_sorted_and_paged()
    {
        await using var tables = await shared.NewHistory();
        var history = new OperationHistory(tables, tables.Writes(), TimeProvider.System);
        for (var number = 1; number <= 5; number++)
        {
            var operation = Stored.Ended with
            {
                Id = JobId.Parse($"01M83HW1FS84TG{number:D12}"),
                Name = $"ct-{6 - number}",
                Vmid = new(100 + number),
                Mode = number % 2 is 0 ? PatchMode.DryRun : PatchMode.Apply,
                Kind = number is 5 ? OperationKind.Reboot : OperationKind.Patch,
                Batch = number is 3 ? JobId.Parse("01M83HW1FS84TGPXTCYJ45S8GC") : null,
                CreatedAt = Stored.Ended.CreatedAt.AddHours(number),
                CompletedAt = Stored.Ended.CreatedAt.AddHours(number is 4 ? 1 : number + 1),
            };
            await (number is 2 ? history.Keep(operation with { Status = OperationStatus.Running, CompletedAt = null }) : history.Add(operation, new(string.Empty, string.Empty), Reporter));
        }

        var all = new OperationQuery(OperationKind.Patch, 0, 100);
        Assert.Equal("4 3 2 1", await Listed(all));
        Assert.Equal("1 2 3 4", await Listed(all with { Descending = false }));
        Assert.Equal("4 3 2 1", await Listed(all with { Order = OperationOrder.Name, Descending = false }));
        Assert.Equal("4 1 3 2", await Listed(all with { Order = OperationOrder.CompletedAt, Descending = false })); // what has not ended comes last
        Assert.Equal("3 1 4 2", await Listed(all with { Order = OperationOrder.CompletedAt }));
        Assert.Equal("2 4 3 1", await Listed(all with { Order = OperationOrder.Status }));
        Assert.Equal("4 3 2 1", await Listed(all with { Order = OperationOrder.Node }));
        Assert.Equal("2", await Listed(all with { Statuses = [OperationStatus.Running] }));
        Assert.Equal("4 3 2 1", await Listed(all with { Statuses = [OperationStatus.Running, OperationStatus.Failed] }));
        Assert.Equal("4 2", await Listed(all with { Mode = PatchMode.DryRun }));
        Assert.Equal("3", await Listed(all with { Batch = JobId.Parse("01M83HW1FS84TGPXTCYJ45S8GC") }));
        Assert.Equal("1", await Listed(all with { Target = $"{Stored.Ended.Cluster}-lxc-101" }));
        Assert.Equal("2 1", await Listed(all with { Until = Stored.Ended.CreatedAt.AddHours(3) }));
        Assert.Equal("4 3", await Listed(all with { Since = Stored.Ended.CreatedAt.AddHours(3) }));
        Assert.Equal(string.Empty, await Listed(all with { RequestedBy = "' OR 1=1 --" }));
        Assert.Equal("5", await Listed(all with { Kind = OperationKind.Reboot }));
        Assert.Equal("3 2", await Listed(all with { Skip = 1, Take = 2 }));
        Assert.Equal(4, (await history.List(all with { Skip = 1, Take = 2 })).Total);

        async Task<string> Listed(OperationQuery query) => string.Join(' ', (await history.List(query)).Operations.Select(operation => int.Parse(operation.Id.Value[^6..])));
    }

    [Fact]
    public async Task A_restart_that_timed_out_is_listed_as_that_and_keeps_its_end_when_its_host_comes_back()
    {
        await using var tables = await shared.NewHistory();
        var history = new OperationHistory(tables, tables.Writes(), TimeProvider.System);
        var restart = ended with { Kind = OperationKind.Reboot, Mode = null, Failure = new(OperationMachine.Timeout, "late") };
        var other = restart with { Id = JobId.Parse("01M83HW1FS84TH000000000001"), Failure = new("script-failed", "It did not start.") };
        var alive = restart with { Id = JobId.Parse("01M83HW1FS84TH000000000002"), Status = OperationStatus.Running, CompletedAt = null, Failure = null };
        await history.Add(restart, new(string.Empty, string.Empty), Reporter);
        await history.Add(other, new(string.Empty, string.Empty), Reporter);
        Assert.Empty(await history.Restarting(CancellationToken.None));
        await history.Keep(alive);
        Assert.Equal(new(alive.Cluster, alive.Node), Assert.Single(await history.Restarting(CancellationToken.None)));

        await history.Amend(restart with { LateAnswer = new(JobOutcome.Succeeded, "came back", restart.CreatedAt) }, Reporter);
        await history.Amend(alive with { LateAnswer = new(JobOutcome.Succeeded, "has no end to be late for", restart.CreatedAt) }, Reporter);
        Assert.Equal("came back", (await history.Find(restart.Id.Value))!.LateAnswer?.Detail);
        Assert.Null((await history.Find(alive.Id.Value))!.LateAnswer);

        var all = new OperationQuery(OperationKind.Reboot, 0, 100);
        Assert.Equal([restart.Id], await Listed(all with { Statuses = [], TimedOut = true }));
        Assert.Equal([other.Id], await Listed(all with { Statuses = [OperationStatus.Failed] }));
        Assert.Equal([alive.Id, restart.Id], (await Listed(all with { Statuses = [OperationStatus.Running], TimedOut = true })).OrderByDescending(id => id.Value == alive.Id.Value));

        async Task<JobId[]> Listed(OperationQuery query) => [.. (await history.List(query)).Operations.Select(operation => operation.Id)];
    }

    [Fact]
    public async Task The_statuses_of_a_batch_are_read_as_one_and_it_is_said_to_be_empty_when_its_last_operation_is_dropped()
    {
        await using var tables = await shared.NewHistory();
        var history = new OperationHistory(tables, tables.Writes(), TimeProvider.System);
        var (batch, other) = (JobId.Parse("01M83HW1FS84TGPXTCYJ45S8GC"), JobId.Parse("01M83HW1FS84TGPXTCYJ45S8GD"));
        OperationRecord Of(int number, JobId? of) => ended with { Id = JobId.Parse($"01M83HW1FS84TM{number:D12}"), Batch = of, CompletedAt = ended.CreatedAt.AddSeconds(number) };
        await history.Add(Of(1, batch), new("out", "err"), Reporter);
        await history.Add(Of(2, batch) with { Status = OperationStatus.Succeeded }, new("out", "err"), Reporter);
        await history.Keep(Of(3, other) with { Status = OperationStatus.Running, CompletedAt = null });
        await history.Add(Of(4, other), new("out", "err"), Reporter);
        await history.Add(Of(5, null), new("out", "err"), Reporter);
        Assert.Equal(["1 Failed", "2 Succeeded"], (await history.StatusesOf(batch)).Select(one => $"{int.Parse(one.Key[^6..])} {one.Value}").Order());
        Assert.Empty(await history.StatusesOf(JobId.Parse("01M83HW1FS84TGPXTCYJ45S8GF")));

        var told = new List<JobId>();
        var now = ended.CreatedAt.AddDays(10);
        Assert.Equal(1, await Prune(1)); // the batch has another one left
        Assert.Empty(told);
        await Assert.ThrowsAsync<IOException>(() => history.Prune(now, 1, _ => throw new IOException("It can't be forgotten now."), CancellationToken.None));
        Assert.Single(await history.StatusesOf(batch)); // so it is told again
        Assert.Equal(3, await Prune(100));
        Assert.Equal([batch], told); // the other one has an operation that is alive

        Task<int> Prune(int atMost) => history.Prune(now, atMost, id => { told.Add(id); return Task.CompletedTask; }, CancellationToken.None);
    }

    [Fact]
    public async Task What_ended_longer_ago_than_it_is_kept_is_dropped_with_its_output_and_nothing_else()
    {
        await using var tables = await shared.NewHistory();
        var history = new OperationHistory(tables, tables.Writes(), TimeProvider.System);
        var now = Stored.Ended.CreatedAt.AddDays(10);
        for (var number = 0; number < OperationPruning.AtOnce + 50; number++)
        {
            await history.Add(ended with { Id = JobId.Parse($"01M83HW1FS84TJ{number:D12}") }, new("out", "err"), Reporter);
        }

        await history.Keep(ended with { Id = JobId.Parse("01M83HW1FS84TK000000000001"), Status = OperationStatus.Running, CompletedAt = null });
        await history.Add(ended with { Id = JobId.Parse("01M83HW1FS84TK000000000002"), CreatedAt = now, CompletedAt = DateTimeOffset.UnixEpoch }, new("out", "err"), Reporter); // a host without a clock
        var pruning = new OperationPruning(history, shared.Silo.Grains, new() { OperationDays = 9 }, new FixedClock(now), Microsoft.Extensions.Logging.Abstractions.NullLogger<OperationPruning>.Instance);
        Assert.Equal(OperationPruning.AtOnce + 50, await pruning.Prune(CancellationToken.None));
        Assert.Equal((2L, 1L), (await tables.Count("operations"), await tables.Count("operation_outputs")));
        Assert.Equal(0, await pruning.Prune(CancellationToken.None));
    }

    private sealed class FixedClock(DateTimeOffset now) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => now;
    }
}

public sealed class OperationHistoryOnPostgresTests(SiloOnPostgres silo) : OperationHistoryTests(silo), IClassFixture<SiloOnPostgres>;

public sealed class OperationHistoryOnSqliteTests(SharedSilo silo) : OperationHistoryTests(silo)
{
    [Theory]
    [InlineData("PRAGMA synchronous", "2")] // FULL: an agent forgets a result once it is acknowledged
    [InlineData("PRAGMA journal_mode", "wal")]
    public async Task Syncs_its_commits(string pragma, string value)
    {
        await using var database = await silo.Silo.Services.GetRequiredService<IDbContextFactory<HistoryDb>>().CreateDbContextAsync();
        await database.Database.OpenConnectionAsync();
        await using var command = database.Database.GetDbConnection().CreateCommand();
        command.CommandText = pragma;
        Assert.Equal(value, $"{await command.ExecuteScalarAsync()}");
    }
}
