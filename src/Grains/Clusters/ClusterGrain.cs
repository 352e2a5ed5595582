using System.Globalization;
using System.Net.NetworkInformation;
using Microsoft.Extensions.Logging;
using NannyOrleans.Domain;
using NannyOrleans.Domain.Agents;
using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Targets;
using NannyOrleans.Grains.Campaigns;
using NannyOrleans.Grains.Changes;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Grains.Clusters;

[GrainType("cluster")]
internal sealed partial class ClusterGrain(
    [PersistentState("cluster")] IPersistentState<ClusterState> stored,
    Announcer changes,
    TimeProvider clock,
    ILogger<ClusterGrain> logger) : Grain, IClusterGrain
{
    private readonly ShownNodes shown = new();
    private readonly HashSet<NodeName> unread = [];
    private readonly Dictionary<NodeName, Freshness> told = [];
    private ClusterIndex index = new() { Stored = new() };
    private IReadOnlyList<MachineLink> machines = [];
    private Task gathering = Task.CompletedTask;
    private DateTimeOffset readAgainAt;
    private DateTimeOffset watchedUntil;
    private IGrainTimer? aging;
    private DateTimeOffset agesAt = DateTimeOffset.MaxValue;

    private ClusterId Id => ClusterId.Parse(this.GetPrimaryKeyString());

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        index = new() { Stored = stored.State };
        unread.UnionWith(stored.State.Nodes.Select(member => member.Node));
        return Task.CompletedTask;
    }

    public async Task Enrol(NodeName node, Enrolment enrolment)
    {
        await Gather();
        await Store(index => index.Enrol(node, enrolment), node);
    }

    public async Task<Refusal?> ProveMembership(MembershipClaim claim)
    {
        await Gather();
        if (claim.Refused(Id, index.MembershipKey) is { } refusal)
        {
            return refusal;
        }

        if (claim.Key is { } key)
        {
            await Store(index => index.EnrolMembership(key));
        }

        return null;
    }

    public async Task Revoke(NodeName node)
    {
        await Gather();
        await Store(index => index.Revoke(node), node);
    }

    public async Task RecordInventory(NodeName node, NodeInventory inventory)
    {
        await Gather();
        await Store(index => index.RecordInventory(node, inventory, remembered: false, clock.GetUtcNow()), node);
        unread.Remove(node); // only now: a reader in between would see neither this nor what is stored
        Heard(node);
        if (clock.GetUtcNow() < watchedUntil)
        {
            await GrainFactory.GetGrain<IClusterPatchOrchestrator>(this.GetPrimaryKeyString()).Look();
        }
    }

    public Task RecordMetrics(NodeName node, NodeMetrics metrics)
    {
        index = index.RecordMetrics(node, metrics, clock.GetUtcNow());
        Heard(node);
        return Task.CompletedTask;
    }

    public Task RecordContact(NodeName node)
    {
        index = index.RecordContact(node, clock.GetUtcNow());
        Heard(node);
        return Task.CompletedTask;
    }

    public async Task RecordPatch(Vmid vmid, PatchState patches)
    {
        await Gather();
        await Store(index => index.RecordPatch(vmid, patches));
    }

    public async Task<Refusal?> AnnotateGuest(Vmid vmid, AnnotationChange change)
    {
        await Gather();
        return index.Find(vmid) is null ? Unknown(vmid) : await Store(index => index.Annotate(vmid, change));
    }

    public async Task<Refusal?> AnnotateNode(NodeName node, AnnotationChange change)
    {
        await Gather();
        return await Store(index => index.Annotate(node, change, Id.IsMachine), node);
    }

    public async Task<ClusterView> View(IReadOnlyList<MachineLink> machines)
    {
        await Gather();
        this.machines = machines;
        var nodes = Shown().Views;
        return new(TopologyView.Overview(Id, index, nodes, clock.GetUtcNow()), nodes);
    }

    public async Task<ClusterOverview> Overview()
    {
        await Gather();
        return TopologyView.Overview(Id, index, Shown().Views, clock.GetUtcNow());
    }

    public async Task<IReadOnlyList<Target>> Find(string text, IReadOnlyList<MachineLink>? machines)
    {
        await Gather();
        this.machines = machines ?? this.machines;
        if (Targets.ContainerOf(text) is { } container && container.Cluster == Id && index.Find(container.Vmid) is { } placed
            && index.Stored.Nodes.FirstOrDefault(member => member.Node == placed.Node) is { } parent)
        {
            var node = shown.One(Id, index, this.machines, parent, clock.GetUtcNow());
            if (node.Guests?.FirstOrDefault(guest => guest.Vmid == container.Vmid) is { } guest && guest.Id == text)
            {
                return [new Target(Id, index.Stored.Name ?? Id.Value, node with { Guests = null }, guest)];
            }
        }

        return [.. Targets.Matching(Id, index.Stored.Name ?? Id.Value, Shown().Views, text)];
    }

    public async Task<AgentPage> List(AgentQuery query, IReadOnlyList<MachineLink> machines)
    {
        await Gather();
        this.machines = machines;
        return query.Of(Shown().Rows);
    }

    public async Task<IReadOnlyList<LinkedVm>> Linked(IReadOnlyList<MachineLink> machines)
    {
        await Gather();
        this.machines = machines;
        return
        [
            .. from node in Shown().Views
               from guest in node.Guests ?? []
               where guest.Agent is not null && guest.DeletedAt is null
               select new LinkedVm(guest.Agent!.Value, guest.Id, guest.Vmid, Id, index.Stored.Name ?? Id.Value, node.Name, node.Agent),
        ];
    }

    public async Task<CampaignView> Picture(TimeSpan? pace)
    {
        await Gather();
        var now = clock.GetUtcNow();
        watchedUntil = pace is null ? watchedUntil : now + WatchedFor;
        return new(ClusterPictures.Of(index, pace, now), ClusterPictures.HostOf(index, Macs.Value));
    }

    public async Task<bool> HasUnreadNode()
    {
        await Gather();
        return unread.Count > 0;
    }

    // A host that can't be read now may well have reported it.
    private Refusal Unknown(Vmid vmid) => unread.Count is 0
        ? new("unknown-guest", "No host has reported this guest.")
        : new("node-unread", $"What {string.Join(", ", unread.OrderBy(node => node.Value, StringComparer.Ordinal))} reported can't be read at the moment, and no other host has guest {vmid}. Try again in a minute.");

    private (IReadOnlyList<NodeView> Views, IEnumerable<AgentRow> Rows) Shown() => shown.Of(Id, index, machines, clock.GetUtcNow());

    /// <summary>
    /// Reads what the nodes have stored, once after each activation. Not while it activates: a node that waits for its silo would hold up
    /// the activation until it times out. One that can't be read is shown as silent, which must not hide the others, and asked again.
    /// </summary>
    private Task Gather() => unread.Count is 0 ? Task.CompletedTask
        : !gathering.IsCompleted ? gathering
        : clock.GetUtcNow() < readAgainAt ? Task.CompletedTask
        : gathering = GatherOnce();

    private async Task GatherOnce()
    {
        var read = await Task.WhenAll(unread.ToArray().Select(async node => (Node: node, Inventory: await Read(node))));
        foreach (var (node, inventory) in read.Where(one => one.Inventory is not null).OrderBy(one => one.Inventory!.ReceivedAt))
        {
            if (unread.Remove(node) && inventory!.Report is not null)
            {
                index = index.RecordInventory(node, inventory, remembered: true, clock.GetUtcNow()) with { Stored = index.Stored };
            }
        }

        readAgainAt = clock.GetUtcNow() + ReadAgainAfter;
        changes.Say(new(ChangeKind.Cluster, Id)); // to those who have looked before
    }

    private async Task<NodeInventory?> Read(NodeName node)
    {
        try
        {
            return await GrainFactory.GetGrain<INodeGrain>(new NodeKey(Id, node).ToString()).Inventory().WaitAsync(ReadLimit, clock);
        }
        catch (Exception failure)
        {
            Log.NotRead(logger, this.GetPrimaryKeyString(), node, failure.Message);
            return null;
        }
    }

    /// <summary>
    /// Stores what a change does to the stored part, then makes it: what is shown must not be ahead of what a restart would show. Made once
    /// more on the index of then if reads came in between and have gathered more.
    /// </summary>
    private async Task<Refusal?> Store(Func<ClusterIndex, Outcome<ClusterIndex>> change, NodeName? node = null)
    {
        var before = index;
        var outcome = change(before);
        if (outcome.IsRefused)
        {
            return outcome.Refusal;
        }

        if (ReferenceEquals(outcome.Value, before))
        {
            return null;
        }

        try
        {
            await stored.Replace(outcome.Value.Stored, this);
            index = ReferenceEquals(index, before) ? outcome.Value
                : change(index) is { IsRefused: false } again ? again.Value with { Stored = outcome.Value.Stored } : outcome.Value;
        }
        finally
        {
            changes.Say(new(ChangeKind.Cluster, Id, node?.Value)); // also after a failure, which may have landed
        }

        return null;
    }

    private void Heard(NodeName node)
    {
        changes.Say(new(ChangeKind.Metrics, Id, node.Value));
        if (index.Stored.Nodes.FirstOrDefault(member => member.Node == node) is { } member)
        {
            Look(member, clock.GetUtcNow());
        }
    }

    // What a node has said grows old of itself: nothing is done then, and yet it is shown as another.
    private void Look(Member member, DateTimeOffset now)
    {
        var fresh = Freshness.Of(index, member, now);
        if (!told.TryGetValue(member.Node, out var before) || before != fresh)
        {
            told[member.Node] = fresh;
            changes.Say(new(ChangeKind.Cluster, Id, member.Node.Value));
        }

        if (index.Known.GetValueOrDefault(member.Node)?.NextOldAfter(now) is { } at && at < agesAt)
        {
            agesAt = at;
            aging?.Dispose();
            aging = this.RegisterGrainTimer(Age, at - now + Tick, Timeout.InfiniteTimeSpan);
        }
    }

    private Task Age()
    {
        agesAt = DateTimeOffset.MaxValue;
        foreach (var member in index.Stored.Nodes)
        {
            Look(member, clock.GetUtcNow());
        }

        return Task.CompletedTask;
    }

    // A campaign that runs looks far more often.
    private static readonly TimeSpan WatchedFor = TimeSpan.FromMinutes(1);

    private static readonly Lazy<IReadOnlySet<string>> Macs = new(() => NetworkInterface.GetAllNetworkInterfaces()
        .Select(one => one.GetPhysicalAddress().GetAddressBytes()).Where(bytes => bytes.Length is 6)
        .Select(bytes => string.Join(':', bytes.Select(one => one.ToString("x2", CultureInfo.InvariantCulture)))).ToHashSet(StringComparer.Ordinal));

    private static readonly TimeSpan ReadLimit = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan ReadAgainAfter = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10); // the last moment at which a word stands for the present is not over yet

    private static partial class Log
    {
        [LoggerMessage(1201, LogLevel.Warning, "Cluster {Cluster}: what node {Node} has reported can't be read: {Reason}")]
        public static partial void NotRead(ILogger logger, string cluster, NodeName node, string reason);
    }
}
