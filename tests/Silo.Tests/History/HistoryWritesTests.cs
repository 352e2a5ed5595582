using NannyOrleans.Silo.History;

namespace NannyOrleans.Silo.Tests.History;

public sealed class HistoryWritesTests : IDisposable
{
    private readonly HistoryFile file = new();

    public void Dispose() => file.Dispose();

    [Fact]
    public async Task All_that_is_written_at_once_is_stored()
    {
        using var writes = new HistoryWrites(await file.Made());
        await Task.WhenAll(Enumerable.Range(0, 300).Select(number => Task.Run(() => writes.Write(database => Add(database, number)))));
        Assert.Equal(300, file.Count("audit"));
    }

    [Fact]
    public async Task What_comes_while_one_is_written_goes_together_in_the_next()
    {
        using var writes = new HistoryWrites(await file.Made());
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
        Assert.Equal(10, file.Count("audit"));
    }

    [Fact]
    public async Task One_that_cannot_be_stored_fails_alone()
    {
        using var writes = new HistoryWrites(await file.Made());
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
        Assert.Equal(2, file.Count("audit"));
    }

    private static Task Add(HistoryDb database, int number)
    {
        database.Audit.Add(new() { At = DateTimeOffset.UnixEpoch, Actor = $"person {number}", Action = "test", Target = "all", Result = "done" });
        return Task.CompletedTask;
    }
}
