using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Tests.Campaigns.Exploring;

/// <summary>What a world is made of and what may go wrong in it.</summary>
public sealed record Model(int Nodes)
{
    public IReadOnlyList<int> Votes { get; init; } = [.. Enumerable.Repeat(1, Nodes)];
    public CampaignOrder Order { get; init; } = new(PatchMode.Apply, "admin") { Limits = new() { SettleSeconds = 1 } };
    public int Faults { get; init; } = 1;
    public bool Ha { get; init; }
    public bool Ceph { get; init; }

    /// <summary>Whether the first node has a container that no one but the campaign starts again.</summary>
    public bool Guest { get; init; }

    /// <summary>The votes of a quorum device that is always there; 0 for none.</summary>
    public int Device { get; init; }

    public int Expected => Votes.Sum() + Device;

    public int Needed => (Expected / 2) + 1;

    /// <summary>What is under test: which of the campaign's work is asked for.</summary>
    public Func<CampaignState, ClusterPicture, DateTimeOffset, IReadOnlyList<CampaignWork>> Due { get; init; } = CampaignMachine.Due;

    public static NodeName Name(int node) => NodeName.Parse($"n{node}");
}

/// <summary>A node as it truly is, and the last that was heard of it.</summary>
internal sealed record WorldNode
{
    public bool Up { get; init; } = true;
    public int Boot { get; init; }
    public bool Silent { get; init; }
    public int Patched { get; init; }
    public bool NeedsReboot { get; init; }
    public NodePicture? Heard { get; init; }

    /// <summary>What was heard, of the cluster and the node's guest, and of the node itself.</summary>
    public (string Cluster, string Own) HeardText { get; init; } = ("-", "-");
}

/// <summary>Something an agent was asked for.</summary>
internal sealed record WorldJob(CampaignWork Work, DateTimeOffset Expires)
{
    public bool Started { get; init; }
    public WorkEnd? End { get; init; }
}

/// <summary>Everything there is at one moment: the campaign as stored, the machines, what is on its way. Never changed, only followed by another.</summary>
internal sealed record World(Model Model, CampaignState Campaign, ImmutableArray<WorldNode> Nodes, ImmutableSortedDictionary<JobId, WorldJob> Jobs, DateTimeOffset Now, int Faults)
{
    private static readonly ImmutableSortedDictionary<JobId, WorldJob> NoJobs =
        ImmutableSortedDictionary.Create<JobId, WorldJob>(Comparer<JobId>.Create((one, other) => string.CompareOrdinal(one.Value, other.Value)));

    private static readonly DateTimeOffset Noon = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);

    private const int Unfresh = 4_000_000;

    public int Ids { get; init; }

    /// <summary>Nodes HA is asked to have in maintenance mode, as bits.</summary>
    public int Maintenance { get; init; }

    public bool CephFlag { get; init; }

    /// <summary>The node that has the guest.</summary>
    public int GuestAt { get; init; }

    public bool GuestRuns { get; init; } = true;

    public static World Begin(Model model)
    {
        var world = new World(model, new(), [.. Enumerable.Repeat(new WorldNode(), model.Nodes)], NoJobs, Noon, model.Faults).Report();
        var plan = CampaignPlan.Of(model.Order, world.Picture(), null, world.Now);
        var start = CampaignMachine.Start(new(), Id(900_000), plan, world.Now);
        return start.IsRefused ? throw new InvalidOperationException(start.Refusal.Message) : world with { Campaign = start.Value };
    }

    public int OnlineVotes => Enumerable.Range(0, Nodes.Length).Where(node => Nodes[node].Up).Sum(node => Model.Votes[node]) + Model.Device;

    public bool IsQuorate => OnlineVotes >= Model.Needed;

    public ClusterPicture Picture() => new([.. Nodes.Select((node, index) => node.Heard ?? new NodePicture { Node = Model.Name(index) })]);

    /// <summary>All that can happen next. A fault uses up one of those there may be.</summary>
    public IEnumerable<(string Name, bool IsFault, Func<World> Next)> Next()
    {
        if (Campaign.IsOver)
        {
            yield break;
        }

        yield return ("reports arrive", false, Report);
        yield return ("looks", false, Look);
        if (Campaign.Current is { } current)
        {
            yield return ("asks for what is due", false, Ask);
            if (Now < current.Deadline)
            {
                yield return ("time passes", false, () => At(current.Deadline));
            }
            else if (Now < current.Deadline + TimeSpan.FromSeconds(Model.Order.Limits.GateSeconds) && current.Step is NodeStep.Settle)
            {
                yield return ("more time passes", false, () => At(current.Deadline + TimeSpan.FromSeconds(Model.Order.Limits.GateSeconds)));
            }
        }

        foreach (var (id, job) in Jobs)
        {
            if (job.End is not null)
            {
                // What is no news leads to this same world: that is a law.
                if (CampaignMachine.Ended(Campaign, id, job.End) is var told && !ReferenceEquals(told, Campaign))
                {
                    yield return ($"hears of {job.Work.Kind}", false, () => this with { Campaign = told });
                }
            }
            else if (Now >= job.Expires && !job.Started)
            {
                yield return ($"{job.Work.Kind} has expired", false, () => With(job with { End = new(false, "It was not started in time.") }));
            }
            else if (Nodes[Index(job.Work.Via)] is { Up: true, Silent: false })
            {
                foreach (var next in Carry(job))
                {
                    yield return next;
                }
            }
        }

        for (var node = 0; node < Nodes.Length; node++)
        {
            var each = node;
            if (!Nodes[node].Up)
            {
                yield return ($"n{node} comes up", false, () => PowerOn(each));
            }
            else if (Faults > 0)
            {
                yield return ($"n{node} loses power", true, () => Down(each) with { Faults = Faults - 1 });
            }

            if (Nodes[node].Silent)
            {
                yield return ($"the agent of n{node} is heard again", false, () => With(each, Nodes[each] with { Silent = false }));
            }
            else if (Faults > 0)
            {
                yield return ($"the agent of n{node} falls silent", true, () => With(each, Nodes[each] with { Silent = true }) with { Faults = Faults - 1 });
            }

            if ((Nodes[node].Silent || !Nodes[node].Up) && Nodes[node].Heard?.IsFresh(Now) is true)
            {
                yield return ($"the last word of n{node} grows old", false, () => With(each, Nodes[each] with { Heard = Nodes[each].Heard! with { At = Now.AddDays(-Unfresh / 1000) }, HeardText = ("-", "-") }));
            }
        }

        foreach (var (name, outcome) in People())
        {
            if (!outcome.IsRefused && !ReferenceEquals(outcome.Value, Campaign))
            {
                yield return (name, false, () => this with { Campaign = outcome.Value });
            }
        }
    }

    private IEnumerable<(string, Outcome<CampaignState>)> People()
    {
        yield return ("a person pauses it", CampaignMachine.Pause(Campaign, "admin", Now));
        yield return ("a person resumes it", CampaignMachine.Resume(Campaign, "admin", null, Now));
        yield return ("a person aborts it", CampaignMachine.Abort(Campaign, "admin", Now));
        if (Campaign.Current is { } node)
        {
            yield return ("a person approves", CampaignMachine.Approve(Campaign, node.Node, "admin", Now));
        }
    }

    private World Look()
    {
        var (campaign, ids, picture) = (Campaign, Ids, Picture());
        for (var steps = 0; ; steps++)
        {
            var next = steps < 100 ? CampaignMachine.Look(campaign, picture, Now, () => Id(++ids)) : throw new BrokenLaw("It looks for ever.");
            if (ReferenceEquals(next, campaign))
            {
                return this with { Campaign = CampaignMachine.Told(campaign, campaign.Events), Ids = ids };
            }

            campaign = next;
        }
    }

    // What is asked for a second time is known by its id. What was not started by its step's deadline never is.
    private World Ask()
    {
        var world = this;
        foreach (var work in Model.Due(Campaign, Picture(), Now))
        {
            Laws.MayAsk(this, work);
            world = world.Jobs.ContainsKey(work.Job) ? world : world.With(new WorldJob(work, Campaign.Current!.Deadline));
        }

        foreach (var work in CampaignMachine.ToCancel(Campaign))
        {
            var known = world.Jobs.GetValueOrDefault(work.Job) ?? new WorldJob(work, Now);
            world = known is { Started: false, End: null } ? world.With(known with { End = new(false, "Cancelled.") }) : world;
        }

        return world;
    }

    private IEnumerable<(string, bool, Func<World>)> Carry(WorldJob job)
    {
        var node = Index(job.Work.Via);
        var name = $"{job.Work.Kind} on n{node}";
        if (job.Work.Kind is WorkKind.Reboot)
        {
            // It ends when the node is back; what then reports is another boot.
            yield return (name, false, () => Down(node).With(job with { Started = true }));
        }
        else
        {
            yield return (name, false, () => Effect(job.Work, node).With(job with { Started = true, End = new(true, null) }));
        }

        if (Faults > 0)
        {
            yield return ($"{name} fails", true, () => With(job with { Started = true, End = new(false, "It failed.") }) with { Faults = Faults - 1 });
            yield return ($"{name} never runs", true, () => With(job with { Started = true, End = new(false, "It never ran.") { NeverRan = true } }) with { Faults = Faults - 1 });
        }
    }

    private World Effect(CampaignWork work, int node) => work.Kind switch
    {
        WorkKind.PatchNode => With(node, Nodes[node] with { Patched = Nodes[node].Patched + 1, NeedsReboot = true }),
        // Without quorum /etc/pve can't be written; then the command fails, which the failing branch shows.
        WorkKind.MaintenanceOn => this with { Maintenance = Maintenance | (1 << Index(Campaign.Current!.Node)) },
        WorkKind.MaintenanceOff => this with { Maintenance = Maintenance & ~(1 << Index(Campaign.Current!.Node)) },
        WorkKind.CephFlagsOn => this with { CephFlag = true },
        WorkKind.CephFlagsOff => this with { CephFlag = false },
        WorkKind.StopGuest when GuestAt == node => this with { GuestRuns = false },
        WorkKind.StartGuest when GuestAt == node => this with { GuestRuns = true },
        WorkKind.MoveGuest when GuestAt == node => this with { GuestAt = Index(work.Target!.Value) },
        _ => this,
    };

    private World Down(int node) => With(node, Nodes[node] with { Up = false }) with { GuestRuns = GuestRuns && GuestAt != node };

    private World PowerOn(int node)
    {
        var world = With(node, Nodes[node] with { Up = true, Boot = Nodes[node].Boot + 1, NeedsReboot = false });
        return Jobs.Values.FirstOrDefault(job => job is { Started: true, End: null, Work.Kind: WorkKind.Reboot } && job.Work.Via == Model.Name(node)) is { } reboot
            ? world.With(reboot with { End = new(true, null) })
            : world;
    }

    /// <summary>Every node that is up and heard says how it sees the cluster.</summary>
    private World Report()
    {
        var at = Now.AddSeconds(1);
        var members = Nodes.Select((node, index) => new MemberSeen(Model.Name(index), node.Up, Model.Votes[index])).ToArray();
        var states = Nodes.Select((node, index) => (Model.Name(index).Value, State: (Maintenance & (1 << index)) is not 0 ? "maintenance" : "online")).ToDictionary(one => one.Value, one => one.State);
        var sees = new ClusterSeen("lab", IsQuorate, members)
        {
            Clustered = true,
            QDevice = Model.Device is 0 ? null : new("net", "qdevice", "ffsplit", Model.Device, Voting: true),
            Ha = new(Model.Ha, Model.Ha ? Model.Name(0) : null, Model.Ha, Model.Ha ? states : new Dictionary<string, string>(), [])
            {
                MaintenanceRequested = [.. states.Where(state => state.Value is "maintenance").Select(state => state.Key)],
                ActiveServices = new Dictionary<string, int>(),
                Lrms = new Dictionary<string, LrmSeen>(),
            },
            Ceph = !Model.Ceph ? null : CephFlag ? new("HEALTH_WARN", ["OSDMAP_FLAGS: noout flag(s) set"], null) : new("HEALTH_OK", [], null),
        };
        var common = $"{(IsQuorate ? 'q' : '-')}{string.Concat(Nodes.Select(node => node.Up ? '1' : '0'))}{Maintenance}{(CephFlag ? 'f' : '-')}";
        return this with
        {
            Now = at,
            Nodes = [.. Nodes.Select((node, index) => !node.Up || node.Silent ? node : node with
            {
                Heard = new()
                {
                    Node = Model.Name(index),
                    At = at,
                    Interval = TimeSpan.FromDays(1000),
                    Sees = sees,
                    BootId = node.Boot.ToString(CultureInfo.InvariantCulture),
                    KernelRunning = node.NeedsReboot ? "old" : "new",
                    KernelNewest = "new",
                    RebootRequired = node.NeedsReboot,
                    PendingUpdates = 1,
                    RepositoryProblems = [],
                    RunningTasks = [],
                    RootFreeBytes = 10L << 30,
                    BootFreeBytes = 1L << 30,
                    MemoryBytes = 8L << 30,
                    MemoryFreeBytes = 4L << 30,
                    AgentVersion = "1.0.0",
                    Guests = Model.Guest && index == GuestAt ? [new(new(100), GuestType.Lxc, "web-01", GuestRuns ? GuestStatus.Running : GuestStatus.Stopped) { HaManaged = false, MemoryBytes = 1 << 30 }] : [],
                },
                HeardText = ($"{common}{(index != GuestAt ? '-' : GuestRuns ? 'g' : 'h')}", $"{node.Boot}{(node.NeedsReboot ? 'r' : '-')}"),
            })],
        };
    }

    private World At(DateTimeOffset time) => this with
    {
        Now = time,
        // Who speaks goes on speaking, and has said nothing newer for it.
        Nodes = Nodes,
    };

    private World With(int node, WorldNode now) => this with { Nodes = Nodes.SetItem(node, now) };

    private World With(WorldJob job) => this with { Jobs = Jobs.SetItem(job.Work.Job, job) };

    internal static JobId Id(int number) => JobId.Parse($"01M83HW1FS84TGPXTCYJ{number:D6}");

    private static int Index(NodeName node) => int.Parse(node.Value.AsSpan(1), CultureInfo.InvariantCulture);

    /// <summary>What two worlds have in common that can only go on alike: times as they stand to each other, ids by what they are for.</summary>
    /// <param name="whole">
    /// Also what no step reads again. Of a node that has ended the core reads nothing but that it has, and of its reports only how it sees the cluster and
    /// which guests it has: how it ended, whether it was patched, its boots, and whether it needs one make no difference any more. What the laws ask of
    /// that, they ask of each world as it is come to, and that nothing may still patch such a node is one of them. Without it there are fewer worlds, and
    /// a test holds them against all of them.
    /// </param>
    public string Key(bool whole)
    {
        var key = new StringBuilder(256);
        key.Append((int)Campaign.Status).Append(Campaign.CephFlags.Count).Append(CephFlag ? 'f' : '-').Append(Maintenance).Append(GuestAt).Append(GuestRuns ? 'g' : '-').Append('|').Append(Faults).Append('|');
        var current = Campaign.Current;
        var past = 0;
        foreach (var node in Campaign.Nodes)
        {
            if (!whole && node.Step.IsEnd())
            {
                past |= 1 << Index(node.Node);
                key.Append("e;");
                continue;
            }

            key.Append((int)node.Step).Append(',')
                .Append(node.PatchedAt is null ? '-' : 'p').Append(node.Rebooted ? 'r' : '-').Append(node.Maintenance ? 'm' : '-').Append(node.Approved ? 'a' : '-')
                .Append(node.Failed ? 'x' : '-').Append(node.Anew).Append(node.BootId ?? "-");
            foreach (var move in node.Guests ?? [])
            {
                key.Append((int)move.Way).Append(move.Target?.Value);
            }

            key.Append(node.Guests is null ? '-' : '.');
            if (ReferenceEquals(node, current))
            {
                key.Append(Now >= node.Deadline ? 'd' : '-').Append(Now >= node.Since + TimeSpan.FromSeconds(30) ? 's' : '-')
                    .Append(Now >= node.Deadline + TimeSpan.FromSeconds(Model.Order.Limits.GateSeconds) ? 'D' : '-');
            }

            key.Append(';');
        }

        // Jobs that are not the step's own matter only while they may still do something.
        var own = current?.Work ?? [];
        foreach (var work in own)
        {
            var job = Jobs.GetValueOrDefault(work.Job);
            key.Append('w').Append((int)work.Kind).Append(work.Via.Value).Append('>').Append(work.Target?.Value).Append(End(work.End)).Append(job is null ? 'n' : job.Started ? 's' : Now >= job.Expires ? 'x' : 'q').Append(End(job?.End));
        }

        foreach (var job in Jobs.Values.Where(job => job.End is null && own.All(work => work.Job != job.Work.Job) && (job.Started || Now < job.Expires)).OrderBy(job => job.Work.Kind))
        {
            key.Append('o').Append((int)job.Work.Kind).Append(job.Work.Via.Value).Append('>').Append(job.Work.Target?.Value).Append(job.Started ? 's' : 'q');
        }

        for (var index = 0; index < Nodes.Length; index++)
        {
            var node = Nodes[index];
            key.Append('|').Append(node.Up ? 'u' : '-').Append(node.Silent ? 's' : '-').Append(node.HeardText.Cluster).Append(node.Heard is { } heard && current is not null && heard.At > current.Since ? '>' : '-');
            if ((past & (1 << index)) is 0)
            {
                key.Append(node.Patched).Append(node.Boot).Append(node.NeedsReboot ? 'r' : '-').Append(node.HeardText.Own);
            }
        }

        return key.ToString();

        static char End(WorkEnd? end) => end is null ? '?' : end.Succeeded ? '+' : end.NeverRan ? '0' : '!';
    }
}

/// <summary>What must hold always, counted from the world and from what was heard, with none of the campaign's own arithmetic.</summary>
internal static class Laws
{
    private static readonly CampaignPlan Another = new(new(PatchMode.Apply, "another"), [], null, null);

    /// <summary>Nothing that disturbs a node is asked for while, for all that was heard, another one is not good or the rest would lose quorum.</summary>
    public static void MayAsk(World world, CampaignWork work)
    {
        if (work.Kind is WorkKind.MaintenanceOff or WorkKind.CephFlagsOff or WorkKind.StartGuest || world.Campaign.Current!.Step is NodeStep.GuestsHome)
        {
            return;
        }

        var votes = world.Model.Device;
        for (var node = 0; node < world.Nodes.Length; node++)
        {
            var heard = world.Nodes[node].Heard;
            var good = heard is not null && heard.IsFresh(world.Now) && heard.Sees!.Quorate;
            var missed = world.Nodes.Any(other => other.Heard is { } voice && voice.IsFresh(world.Now) && voice.Sees!.Quorate && !voice.Sees.Members[node].Online);
            var own = Model.Name(node) == world.Campaign.Current.Node;
            if (!own && (!good || missed))
            {
                throw new BrokenLaw($"{work.Kind} is asked for on {work.Via} while {Model.Name(node)} is not known to be good.");
            }

            votes += own || !good || missed ? 0 : world.Model.Votes[node];
        }

        if (work.Kind is not (WorkKind.PatchNode or WorkKind.PatchGuests) && world.Nodes.Length > 1 && votes < world.Model.Needed)
        {
            throw new BrokenLaw($"{work.Kind} is asked for on {work.Via} though only {votes} of {world.Model.Needed} votes would stay.");
        }
    }

    /// <summary>Holds in every world.</summary>
    public static void Hold(World world)
    {
        if (world.Nodes.FirstOrDefault(node => node.Patched > 1) is not null)
        {
            throw new BrokenLaw("A node was patched twice.");
        }

        if (world.Jobs.Values.Any(job => job is { Started: false, End: null, Work.Kind: WorkKind.PatchNode } && world.Now < job.Expires
            && world.Campaign.Nodes.Any(node => node.Node == job.Work.Via && node.Step.IsEnd())))
        {
            throw new BrokenLaw("A node has ended, and it may still be patched.");
        }

        if (world.Jobs.Values.Count(job => job is { Started: true, End: null, Work.Kind: WorkKind.Reboot }) > 1)
        {
            throw new BrokenLaw("Two nodes are down for the campaign at the same time.");
        }

        if (world.Campaign.IsOver && (world.Maintenance is not 0 || world.CephFlag))
        {
            throw new BrokenLaw("It is over, and maintenance mode or a Ceph flag was left behind.");
        }

        if (world.Campaign.IsOver && world.Jobs.Values.Any(job => job.End is null && !job.Started && world.Now < job.Expires && job.Work.Kind is not (WorkKind.MaintenanceOff or WorkKind.CephFlagsOff)))
        {
            throw new BrokenLaw("It is over, and something it asked for may still be started.");
        }

        if (world.Campaign.Nodes.Any(node => node.Step is NodeStep.Done && node.PatchedAt is null))
        {
            throw new BrokenLaw("A node is done and was not patched.");
        }

        if (world is { Campaign.Status: CampaignStatus.Completed, Model: { Guest: true, Faults: 0 } } && !(world.GuestAt is 0 && world.GuestRuns))
        {
            throw new BrokenLaw("It is completed, nothing went wrong, and the guest does not run at home.");
        }

        if (world.Campaign is { IsOver: false, Id: { } id } && CampaignMachine.Start(world.Campaign, World.Id(900_001), Another, world.Now).Refusal?.Code is not "campaign-running")
        {
            throw new BrokenLaw($"A second campaign was begun beside {id}.");
        }

        foreach (var (job, done) in world.Jobs)
        {
            if (done.End is { } end && CampaignMachine.Ended(world.Campaign, job, end) is var once && !ReferenceEquals(CampaignMachine.Ended(once, job, new(false, "Late.")), once))
            {
                throw new BrokenLaw($"The end of {done.Work.Kind} counted twice.");
            }
        }
    }
}

/// <summary>Something happened that must not.</summary>
internal sealed class BrokenLaw(string message) : Exception(message);
