using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;
using NannyOrleans.Silo.Health;

namespace NannyOrleans.Silo.Tests.Health;

public sealed class ReadinessTests
{
    private static readonly string[] Silent = ["The thing does not answer."];

    [Fact]
    public async Task What_hangs_is_not_waited_for_nor_asked_again_until_it_has_come_back()
    {
        var thing = new Thing();
        await using var services = With(thing);
        var readiness = Of(services);
        Assert.Equal(Silent, await WhyNot(readiness).Within("an answer about a thing that hangs"));
        await Waiting.Until(() => Task.FromResult(thing.Asked), asked => asked is 1, "the one look");
        for (var more = 0; more < 3; more++)
        {
            await Waiting.Until(() => WhyNot(readiness), reasons => reasons.SequenceEqual(Silent), "the same answer");
        }

        Assert.Equal(1, thing.Asked);
        thing.Answer.SetResult("The thing is odd.");
        await Waiting.Until(() => WhyNot(readiness), reasons => reasons is ["The thing is odd."], "its own word");
        thing.Answer = new();
        thing.Answer.SetResult(null);
        await Waiting.Until(() => WhyNot(readiness), reasons => reasons is [], "it to be well");
    }

    [Fact]
    public async Task Many_who_ask_at_once_are_answered_by_one_look()
    {
        var clock = new FrozenClock();
        var thing = new Thing(clock);
        await using var services = With(thing);
        var readiness = Of(services, clock);
        var asks = Enumerable.Range(0, 100).Select(_ => WhyNot(readiness)).ToArray();
        thing.Answer.SetResult(null);
        Assert.All(await Task.WhenAll(asks), Assert.Empty);
        Assert.Equal(1, thing.Asked);
    }

    [Fact]
    public async Task A_failure_is_told_to_the_log_and_to_nobody_else()
    {
        var thing = new Thing();
        thing.Answer.SetException(new InvalidOperationException("password of 10.1.2.3"));
        await using var services = With(thing);
        Assert.Equal(Silent, await WhyNot(Of(services)));
    }

    [Fact] // All processes are without it alike, and a balancer that takes them all out takes away what they know without it.
    public async Task What_all_processes_share_is_said_to_be_away_and_keeps_none_from_work()
    {
        var thing = new Thing();
        thing.Answer.SetException(new InvalidOperationException("no"));
        await using var services = With(thing, HealthStatus.Degraded);
        var (isReady, reasons) = await Of(services).Is();
        Assert.True(isReady);
        Assert.Equal(Silent, reasons);
    }

    private static async Task<IReadOnlyList<string>> WhyNot(Readiness readiness)
    {
        var (isReady, reasons) = await readiness.Is();
        Assert.Equal(isReady, reasons.Count is 0);
        return reasons;
    }

    private static ServiceProvider With(Thing thing, HealthStatus status = HealthStatus.Unhealthy)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddHealthChecks().AddCheck("thing", thing, status);
        return services.BuildServiceProvider();
    }

    private static Readiness Of(ServiceProvider services, TimeProvider? clock = null) => new(
        services.GetRequiredService<HealthCheckService>(),
        new DelayedStop(new ApplicationLifetime(NullLogger<ApplicationLifetime>.Instance), TimeSpan.Zero, TimeProvider.System),
        clock ?? TimeProvider.System,
        NullLogger<Readiness>.Instance);

    /// <summary>Answers when the test says so.</summary>
    private sealed class Thing(TimeProvider? clock = null) : BoundedCheck(clock ?? TimeProvider.System, NullLogger.Instance)
    {
        private int asked;

        public TaskCompletionSource<string?> Answer { get; set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Asked => asked;

        protected override string Subject => "The thing";

        protected override Task<string?> Look(CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref asked);
            return Answer.Task;
        }
    }

    /// <summary>Nothing takes any time, and no limit is ever over.</summary>
    private sealed class FrozenClock : TimeProvider
    {
        public override long GetTimestamp() => 0;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }
}
