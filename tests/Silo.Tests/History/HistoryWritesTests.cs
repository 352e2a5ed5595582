using NannyOrleans.Silo.History;

namespace NannyOrleans.Silo.Tests.History;

public abstract class HistoryWritesTests(TestSilo silo) : IAsyncLifetime
{
    private HistoryTables? tables;

    private HistoryTables Tables => tables!;

    public async ValueTask InitializeAsync() => tables = await silo.NewHistory();

    public async ValueTask DisposeAsync()
    {
        await Tables.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task All_that_is_written_at_once_is_stored()
    {
        using var writes = Tables.Writes();
        await Task.WhenAll(Enumerable.Range(0, 300).Select(number => Task.Run(() => writes.Write(database => Add(database, number)))));
        Assert.Equal(300, await Tables.Count("metrics"));
    }

    [Fact]
    public async Task What_comes_while_one_is_written_goes_together_in_the_next()
    {
        using var writes = Tables.Writes();
        var (entered, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        var first = writes.Write(async _ =>
        {
            entered.SetResult();
            await go.Task;
        });
        await entered.Task;

        // Each sees the context it is given: those of one commit have one.
        var contexts = new List<HistoryDb>();
        var others = Enumerable.Range(0, 10).Select(number => writes.Write(database =>
        {
            contexts.Add(database);
            return Add(database, number);
        })).ToArray();
        go.SetResult();
        await Task.WhenAll([first, .. others]);
        Assert.Single(contexts.Distinct());
        Assert.Equal(10, await Tables.Count("metrics"));
    }

    [Fact]
    public async Task One_that_cannot_be_stored_fails_alone()
    {
        using var writes = Tables.Writes();
        var (entered, go) = (new TaskCompletionSource(), new TaskCompletionSource());
        var first = writes.Write(async _ =>
        {
            entered.SetResult();
            await go.Task;
        });
        await entered.Task;
        var good = writes.Write(database => Add(database, 1));
        var bad = writes.Write(_ => throw new InvalidOperationException("no"));
        var late = writes.Write(database => Add(database, 2));
        go.SetResult();
        await Task.WhenAll(first, good, late);
        Assert.Equal("no", (await Assert.ThrowsAsync<InvalidOperationException>(() => bad)).Message);
        Assert.Equal(2, await Tables.Count("metrics"));
    }

    private static Task Add(HistoryDb database, int number)
    {
        database.Metrics.Add(new() { Cluster = "c0123456789abcdef", Node = "pve1", At = number, Samples = 1, Data = [], Guests = [] });
        return Task.CompletedTask;
    }
}

public sealed class HistoryWritesOnSqliteTests(SharedSilo silo) : HistoryWritesTests(silo);

public sealed class HistoryWritesOnPostgresTests(SiloOnPostgres silo) : HistoryWritesTests(silo), IClassFixture<SiloOnPostgres>;
