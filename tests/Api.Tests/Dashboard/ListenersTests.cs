using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using NannyOrleans.Api.Dashboard.Live;
using NannyOrleans.Api.Tests.Support;
using NannyOrleans.Grains.Changes;

namespace NannyOrleans.Api.Tests.Dashboard;

public sealed class ListenersTests
{
    private static readonly Change Operation = new(ChangeKind.Operation, Some.Cluster(), "01M83HW1FS84TGPXTCYJ45S8G9");

    private readonly Listeners listeners = new(NullLogger.Instance);

    [Fact]
    public async Task Each_hears_what_may_concern_it_and_nothing_else()
    {
        Change[] concerned = [Operation, Operation with { Cluster = null }, Operation with { Id = null }, new(ChangeKind.Operation), Operation with { Kind = ChangeKind.Anything, Id = null }, Change.Anything];
        Change[] others = [Operation with { Id = "another" }, Operation with { Cluster = Some.Cluster() }, Operation with { Kind = ChangeKind.Output }, new(ChangeKind.Fleet)];
        var heard = new ConcurrentBag<Change>();
        foreach (var topic in (Change[])[.. concerned, .. others])
        {
            listeners.Add([topic], _ => heard.Add(topic));
        }

        listeners.Tell([Operation]);
        await Waiting.Until(() => Task.FromResult(heard.Count), count => count == concerned.Length, "all who are concerned");
        listeners.Tell([Operation with { Id = null }]); // any operation of this cluster
        await Waiting.Until(() => Task.FromResult(heard.Count), count => count == (2 * concerned.Length) + 1, "all who may be concerned");
        listeners.Tell([Change.Anything]);
        await Waiting.Until(() => Task.FromResult(heard.Count), count => count == (3 * concerned.Length) + 1 + others.Length, "everybody");
        Assert.All(others, topic => Assert.Equal(topic.Id is "another" ? 2 : 1, heard.Count(one => one == topic)));
    }

    [Fact]
    public async Task One_that_fails_and_one_that_hangs_keep_nobody_from_hearing_and_each_is_called_once_at_a_time()
    {
        using var go = new ManualResetEventSlim();
        var (slow, calls) = (new ConcurrentQueue<IReadOnlyList<Change>>(), 0);
        using var failing = listeners.Add([Operation], _ => throw new InvalidOperationException("A page's mistake."));
        using var hanging = listeners.Add([Change.Anything], changes =>
        {
            slow.Enqueue(changes);
            go.Wait(Waiting.Limit);
        });
        using var good = listeners.Add([Operation], _ => Interlocked.Increment(ref calls));
        for (var round = 1; round <= 3; round++)
        {
            listeners.Tell([Operation, Operation with { Id = $"{round}" }]);
            await Waiting.Until(() => Task.FromResult(Volatile.Read(ref calls)), count => count == round, "the next to hear");
        }

        Assert.Single(slow);
        go.Set();
        await Waiting.Until(() => Task.FromResult(slow.Count), count => count is 2, "what came meanwhile");
        Assert.Equal([Operation, Operation with { Id = "1" }, Operation with { Id = "2" }, Operation with { Id = "3" }], slow.SelectMany(changes => changes).Distinct());
    }

    [Fact]
    public async Task Who_has_gone_hears_nothing()
    {
        var (gone, there) = (0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        listeners.Add([Operation, Change.Anything], _ => Interlocked.Increment(ref gone)).Dispose();
        using var other = listeners.Add([Operation], _ => there.SetResult());
        listeners.Tell([Operation]);
        await there.Task.Within("the other one to hear");
        Assert.Equal(0, gone);
    }

    [Fact]
    public async Task What_concerns_one_of_ten_thousand_calls_one_of_them()
    {
        var (heard, began) = (new ConcurrentBag<int>(), Stopwatch.StartNew());
        for (var i = 0; i < 10_000; i++)
        {
            var number = i;
            listeners.Add([Operation with { Id = $"{i}" }, new(ChangeKind.Fleet)], _ => heard.Add(number));
        }

        var added = began.Elapsed;
        began.Restart();
        listeners.Tell([.. Enumerable.Range(0, 100).Select(i => Operation with { Id = $"{i}" })]);
        var told = began.Elapsed;
        await Waiting.Until(() => Task.FromResult(heard.Count), count => count is 100, "those concerned");
        Assert.Equal(Enumerable.Range(0, 100), heard.Order());
        began.Restart();
        listeners.Tell([new(ChangeKind.Fleet)]);
        TestContext.Current.TestOutputHelper!.WriteLine($"10,000 listeners: added in {added.TotalMilliseconds:F1} ms, 100 changes of one each {told.TotalMilliseconds:F2} ms, one of all {began.Elapsed.TotalMilliseconds:F1} ms");
        await Waiting.Until(() => Task.FromResult(heard.Count), count => count is 10_100, "everybody");
    }
}
