using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Exceptions;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Campaigns;
using NannyOrleans.Grains.Changes;
using NannyOrleans.Grains.Clusters;
using NannyOrleans.Grains.Exceptions;
using NannyOrleans.Grains.Fleet;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Grains.Scripts;
using NannyOrleans.Grains.Tests.Campaigns;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Grains.Tests.Changes;

public sealed class ChangesGrainTests(SiloCluster silo) : IAsyncLifetime
{
    private readonly ClusterId id = Some.Cluster();
    private readonly Heard heard = new();
    private IChangeObserver reference = null!;
    private FeedMark start = null!;

    private IChangesGrain Feed => silo.Grains.GetGrain<IChangesGrain>(0);

    private IClusterGrain Cluster => silo.Grains.GetGrain<IClusterGrain>(id.Value);

    public async ValueTask InitializeAsync()
    {
        reference = silo.Grains.CreateObjectReference<IChangeObserver>(heard);
        start = await Feed.Subscribe(reference);
    }

    public async ValueTask DisposeAsync()
    {
        await Feed.Unsubscribe(reference);
        silo.Grains.DeleteObjectReference<IChangeObserver>(reference);
    }

    [Fact]
    public async Task Whatever_changes_is_told()
    {
        await silo.Grains.GetGrain<IFleetGrain>(0).Add(id);
        await Hear(new(ChangeKind.Fleet));
        await Cluster.Enrol(Some.Pve1, Some.Enrolment(Some.Agent, Some.Pve1));
        await Hear(new(ChangeKind.Cluster, id, "pve1"));
        await Cluster.RecordMetrics(Some.Pve1, Some.Metrics());
        await Hear(new(ChangeKind.Metrics, id, "pve1"));

        var operation = new PatchOrder(PatchMode.DryRun, [], "admin").At(
            Id, id, new PatchRoute(Some.Pve1, new(100), "web-01", PlatformFamily.Debian, "apt-update.sh"), new("apt-update.sh", new string('a', 64)), DateTimeOffset.UnixEpoch).Operation;
        var grain = silo.Grains.GetGrain<IOperationGrain>(Id.Value);
        await grain.Open(operation);
        await Hear(new(ChangeKind.Operation, id, Id.Value));
        await grain.TakeOutput(new(id, Some.Pve1), new(Id, OutputChannel.StandardError, 0, 3, "One"));
        await Hear(new(ChangeKind.Output, id, Id.Value));
        heard.Forget();
        await grain.Report(new(Id, JobOutcome.Failed, "no"));
        await Hear(new(ChangeKind.Operation, id, Id.Value));

        await silo.Grains.GetGrain<ICustomScriptsGrain>(0).Add(new(new("told.sh", new('e', 64)) { Signature = "c2ln" }, PlatformFamily.Debian, null, 3, "admin", DateTimeOffset.UnixEpoch), "one");
        await Hear(new(ChangeKind.Scripts));
        await silo.Grains.GetGrain<ICustomScriptsGrain>(0).Remove("told.sh");
    }

    [Fact]
    public async Task Each_step_of_a_campaign_is_told()
    {
        await using var world = new HostWorld(silo, id, 1);
        await world.Join();
        var orchestrator = silo.Grains.GetGrain<IClusterPatchOrchestrator>(id.Value);
        await Waiting.Until(() => orchestrator.Plan(new(PatchMode.Apply, "admin")), plan => plan.Refusal is null && plan.Nodes.Count is 1, "a plan");
        Assert.Null((await orchestrator.Start(Id, new(PatchMode.Apply, "admin"))).Refusal);
        await Hear(new(ChangeKind.Campaign, id, Id.Value));
        heard.Forget();
        Assert.Null((await orchestrator.Pause(Id, "admin")).Refusal);
        await Hear(new(ChangeKind.Campaign, id, Id.Value));
        Assert.Null((await orchestrator.Abort(Id, "admin")).Refusal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_write_that_failed_is_told_since_it_may_have_landed(bool landed)
    {
        var exceptions = silo.Grains.GetGrain<IPackageExceptionsGrain>(0);
        var one = new ExceptionRecord
        {
            Id = ExceptionId.Parse(Id.Value),
            Target = new(id, new(100), null),
            AgentId = $"{id}-lxc-100",
            PackageNames = ["mc"],
            CreatedBy = "admin",
            CreatedAt = silo.Clock.GetUtcNow(),
        };
        silo.Storage.FailNextWrite("exceptions:package-exceptions", landed);
        await Assert.ThrowsAnyAsync<Exception>(() => exceptions.Add(one));
        await Hear(new(ChangeKind.Exceptions));
        await exceptions.Remove(one.Id);
    }

    [Fact]
    public async Task That_a_node_has_fallen_silent_is_told_though_nothing_was_done()
    {
        await Cluster.Enrol(Some.Pve1, Some.Enrolment(Some.Agent, Some.Pve1));
        await Cluster.RecordMetrics(Some.Pve1, Some.Metrics(intervalSeconds: 1));
        await Hear(new(ChangeKind.Metrics, id, "pve1"));
        Assert.Equal(NodeStatus.Online, Assert.Single((await Cluster.View([])).Nodes).Status);
        heard.Forget();
        await Hear(new(ChangeKind.Cluster, id, "pve1"));
        Assert.Equal(NodeStatus.Offline, Assert.Single((await Cluster.View([])).Nodes).Status);
        heard.Forget();
        await Cluster.RecordContact(Some.Pve1);
        await Hear(new(ChangeKind.Cluster, id, "pve1"));
    }

    [Fact]
    public async Task Batches_are_counted_and_another_life_of_the_feed_is_another_epoch()
    {
        Assert.True(await Feed.Publish([new(ChangeKind.Cluster, id, "one")]));
        Assert.True(await Feed.Publish([new(ChangeKind.Cluster, id, "two")]));
        await Hear(new(ChangeKind.Cluster, id, "two"));
        // What is sent one way may overtake, see FeedPosition: they are counted without a gap, in whatever order they arrive.
        var marks = await Waiting.Until(() => Task.FromResult(heard.Batches.Select(batch => batch.Mark).OrderBy(mark => mark.Number).ToList()), marks => marks[^1].Number == start.Number + marks.Count, "no batch to be on the way any more");
        Assert.Equal(Enumerable.Range(1, marks.Count).Select(number => start with { Number = start.Number + number }), marks);

        await silo.ForgetActivations();
        var next = await Feed.Subscribe(reference);
        Assert.NotEqual(start.Epoch, next.Epoch);
    }

    [Fact]
    public async Task Who_is_not_renewed_is_dropped_and_sees_by_the_numbers_what_it_missed()
    {
        var before = await Feed.Subscribe(reference);
        silo.Clock.Shift += TimeSpan.FromSeconds(31);
        Assert.False(await Feed.Publish([new(ChangeKind.Cluster, id, "missed")]));
        var after = await Feed.Subscribe(reference);
        Assert.Equal(before.Epoch, after.Epoch);
        Assert.True(after.Number > before.Number, $"{before} {after}");
        Assert.True(await Feed.Publish([new(ChangeKind.Cluster, id, "heard")]));
        await Hear(new(ChangeKind.Cluster, id, "heard"));
        Assert.DoesNotContain(new Change(ChangeKind.Cluster, id, "missed"), heard.Changes);
    }

    private JobId Id => JobId.Parse($"01M83HW1FS84CB{id.Value[^6..].ToUpperInvariant()}000001");

    private Task<IReadOnlyList<Change>> Hear(Change change) => Waiting.Until(() => Task.FromResult(heard.Changes), changes => changes.Contains(change), $"{change} to be told");

    private sealed class Heard : IChangeObserver
    {
        private readonly Lock gate = new();
        private readonly List<ChangeBatch> batches = [];
        private int forgotten;

        public IReadOnlyList<ChangeBatch> Batches
        {
            get
            {
                lock (gate)
                {
                    return [.. batches];
                }
            }
        }

        public IReadOnlyList<Change> Changes => [.. Batches.Skip(forgotten).SelectMany(batch => batch.Changes)];

        public Task Changed(ChangeBatch batch)
        {
            lock (gate)
            {
                batches.Add(batch);
            }

            return Task.CompletedTask;
        }

        public void Forget() => forgotten = Batches.Count;
    }
}
