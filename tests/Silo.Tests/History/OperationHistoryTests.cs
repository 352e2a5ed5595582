using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Silo.History;
using NannyOrleans.Silo.Tests.Storage;

namespace NannyOrleans.Silo.Tests.History;

public sealed class OperationHistoryTests(SharedSilo shared)
{
    private static int used;

    private readonly OperationRecord ended = Stored.Ended with { Id = JobId.Parse($"01M83HW1FS84TG{Interlocked.Increment(ref used):D12}") };

    private IOperationHistory History => shared.Silo.History;

    [Fact]
    public async Task Keeps_what_was_added()
    {
        await History.Add(ended, new("out", "err"));
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
        await History.Add(ended, new("first", string.Empty));
        await History.Add(ended with { Status = OperationStatus.Interrupted }, new("second", string.Empty));
        Assert.Equal(OperationStatus.Failed, (await History.Find(ended.Id.Value))!.Status);
        Assert.Equal("first", (await History.FindOutput(ended.Id.Value))!.StandardOutput);
    }

    [Fact]
    public async Task Of_many_at_once_one_stays_whole_and_none_fails()
    {
        var statuses = new[] { OperationStatus.Succeeded, OperationStatus.Failed, OperationStatus.Interrupted };
        await Task.WhenAll(Enumerable.Range(0, 24).Select(number => Task.Run(() =>
            History.Add(ended with { Status = statuses[number % 3] }, new($"{statuses[number % 3]}", string.Empty))))).Within("24 additions");
        var kept = await History.Find(ended.Id.Value);
        Assert.Equal($"{kept!.Status}", (await History.FindOutput(ended.Id.Value))!.StandardOutput);
    }

    [Fact] // The conflict itself, which the test above meets only by chance: both have looked before either writes.
    public async Task A_row_that_came_between_the_look_and_the_write_is_no_failure()
    {
        using var data = new DataDirectory();
        var added = new OneAheadOf(data, ended);
        var options = new DbContextOptionsBuilder<HistoryDb>().UseSqlite($"Data Source={data.PathOf("history.db")};Pooling=False").AddInterceptors(added).Options;
        await using (var database = new HistoryDb(options))
        {
            await database.Database.MigrateAsync();
        }

        await new OperationHistory(new Contexts(options)).Add(ended, new("late", string.Empty));
        Assert.True(added.Done);
        Assert.Equal("early", data.Ask<string>("history.db", "SELECT StandardOutput FROM operation_outputs"));
    }

    [Fact]
    public async Task Takes_two_megabytes()
    {
        var output = new OperationOutput(new string('ä', 2 * 1024 * 1024), new string('x', 2 * 1024 * 1024));
        await History.Add(ended, output);
        Assert.True(output == await History.FindOutput(ended.Id.Value)); // not Equal, which would print four megabytes
    }

    [Theory]
    [InlineData("before\0after", "before\uFFFDafter")]
    [InlineData("\0", "\uFFFD")]
    [InlineData("whole \uD83D\uDE00 pair", "whole \uD83D\uDE00 pair")]
    [InlineData("\u001b[31mred\u001b[0m\r\n\t\u0007", "\u001b[31mred\u001b[0m\r\n\t\u0007")]
    public async Task Takes_what_is_no_text(string printed, string kept)
    {
        await History.Add(ended with { Failure = new("script-failed", printed) }, new(printed, printed));
        Assert.Equal(new(kept, kept), await History.FindOutput(ended.Id.Value));
        Assert.Equal(printed, (await History.Find(ended.Id.Value))!.Failure!.Message);
    }

    [Fact] // Not rows of the theory: attributes are UTF-8 themselves.
    public async Task Takes_half_a_surrogate_pair()
    {
        var (high, low) = ("half \uD83D of a pair", "\uDE00 the other half");
        await History.Add(ended with { Failure = new("script-failed", high) }, new(high, low));
        Assert.Equal(new("half \uFFFD of a pair", "\uFFFD the other half"), await History.FindOutput(ended.Id.Value));
        Assert.Equal("half \uFFFD of a pair", (await History.Find(ended.Id.Value))!.Failure!.Message);
    }

    [Fact]
    public async Task Refuses_one_that_has_not_ended() =>
        await Assert.ThrowsAsync<ArgumentException>(() => History.Add(ended with { CompletedAt = null }, new(string.Empty, string.Empty)));

    [Theory]
    [InlineData("PRAGMA synchronous", "2")] // FULL: an agent forgets a result once it is acknowledged
    [InlineData("PRAGMA journal_mode", "wal")]
    public async Task Syncs_its_commits(string pragma, string value)
    {
        await using var database = await shared.Silo.Services.GetRequiredService<IDbContextFactory<HistoryDb>>().CreateDbContextAsync();
        await database.Database.OpenConnectionAsync();
        await using var command = database.Database.GetDbConnection().CreateCommand();
        command.CommandText = pragma;
        Assert.Equal(value, $"{await command.ExecuteScalarAsync()}");
    }

    private sealed class Contexts(DbContextOptions<HistoryDb> options) : IDbContextFactory<HistoryDb>
    {
        public HistoryDb CreateDbContext() => new(options);
    }

    /// <summary>Adds the same operation by another way, just before the first save.</summary>
    private sealed class OneAheadOf(DataDirectory data, OperationRecord ended) : Microsoft.EntityFrameworkCore.Diagnostics.SaveChangesInterceptor
    {
        public bool Done { get; private set; }

        public override async ValueTask<Microsoft.EntityFrameworkCore.Diagnostics.InterceptionResult<int>> SavingChangesAsync(
            Microsoft.EntityFrameworkCore.Diagnostics.DbContextEventData eventData,
            Microsoft.EntityFrameworkCore.Diagnostics.InterceptionResult<int> result,
            CancellationToken cancellationToken = default)
        {
            Done = true;
            var options = new DbContextOptionsBuilder<HistoryDb>().UseSqlite($"Data Source={data.PathOf("history.db")};Pooling=False").Options;
            await new OperationHistory(new Contexts(options)).Add(ended, new("early", string.Empty));
            return result;
        }
    }
}
