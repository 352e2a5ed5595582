using System.Collections.Concurrent;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Grains.Clusters;
using NannyOrleans.Grains.Fleet;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Grains.Tests.Nodes;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Grains.Tests.Campaigns;

/// <summary>
/// Hosts of a cluster that do what their jobs say, each at most once, and report when asked. It counts what was done to each and the least votes there
/// ever were, whatever the campaign believes.
/// </summary>
internal sealed class HostWorld(SiloCluster silo, ClusterId cluster, int count) : IAsyncDisposable
{
    private readonly Lock gate = new();
    private readonly CancellationTokenSource stopping = new();
    private readonly Host[] hosts = [.. Enumerable.Range(1, count).Select(number => new Host(NodeName.Parse($"pve{number}"), AgentId.Parse($"01M83HW1FS84TGPXTCYJ45{number:D2}G9")))];
    private readonly ConcurrentDictionary<JobId, JobReport> done = [];
    private readonly List<Task> tasks = [];

    /// <summary>Whether HA is in use.</summary>
    public bool Ha { get; init; }

    /// <summary>Guests and where each of them runs.</summary>
    public ConcurrentDictionary<Vmid, NodeName> Guests { get; } = [];

    /// <summary>What was done, in order, as "patch pve1".</summary>
    public ConcurrentQueue<string> Done { get; } = [];

    /// <summary>What a job is answered with instead of being done.</summary>
    public Func<Host, Job, JobReport?> Instead { get; set; } = (_, _) => null;

    /// <summary>The least votes that were ever online.</summary>
    public int LeastVotes { get; private set; } = int.MaxValue;

    public IReadOnlyList<Host> Hosts => hosts;

    public async Task Join()
    {
        await silo.Grains.GetGrain<IFleetGrain>(0).Add(cluster);
        foreach (var host in hosts)
        {
            await Node(host).Enrol(Some.Enrolment(host.Agent, host.Name));
            await silo.Grains.GetGrain<IClusterGrain>(cluster.Value).Enrol(host.Name, Some.Enrolment(host.Agent, host.Name));
        }

        tasks.AddRange(hosts.Select(Live));
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await Task.WhenAll(tasks);
        stopping.Dispose();
    }

    // As the agent does: connects, reports, does what it is sent, and renews; after a restart of the silo it connects again.
    private async Task Live(Host host)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                var session = await ListeningSession.Open(silo.Grains, Node(host), host.Agent);
                await Report(host);
                for (var renewed = Environment.TickCount64; !stopping.IsCancellationRequested; await Task.Delay(10, CancellationToken.None))
                {
                    if (Environment.TickCount64 - renewed > 200)
                    {
                        renewed = Environment.TickCount64;
                        if (!await Node(host).Renew(session.Ticket, session.Reference))
                        {
                            break;
                        }
                    }

                    while (session.TryAsk() is { } ask)
                    {
                        host.AskedAt = ask.AskedAt;
                        await Report(host);
                    }

                    foreach (var job in session.Received)
                    {
                        await Do(host, job);
                    }
                }
            }
            catch (Exception failure) when (failure is OrleansException or TimeoutException or InvalidOperationException)
            {
                await Task.Delay(50, CancellationToken.None); // the silo forgets its grains now and then
            }
        }
    }

    private async Task Do(Host host, Job job)
    {
        if (!done.TryGetValue(job.Id, out var end))
        {
            end = Instead(host, job) ?? (job.StartBy < silo.Clock.GetUtcNow() ? new(job.Id, JobOutcome.Failed, "not started: too late") : await Run(host, job));
            done[job.Id] = end;
        }

        await Node(host).Report(host.Agent, end);
        await Report(host);
    }

    private async Task<JobReport> Run(Host host, Job job)
    {
        switch (job)
        {
            case PatchHost patch:
                Done.Enqueue($"patch {host.Name}");
                (host.NeedsReboot, host.Patches) = (host.PatchNeedsReboot, host.Patches + 1);
                return new(job.Id, JobOutcome.Succeeded, null)
                {
                    ExitCode = 0,
                    StandardOutput = $$"""{"mode":"{{(patch.Mode is PatchMode.DryRun ? "dry-run" : "apply")}}","packages":[],"kept_back":[],"held":[],"removed":[],"failed":[],"reboot_required":true,"warnings":[]}""",
                };
            case RebootHost:
                Done.Enqueue($"reboot {host.Name}");
                lock (gate)
                {
                    host.Up = false;
                    LeastVotes = Math.Min(LeastVotes, hosts.Count(one => one.Up));
                }

                await Task.Delay(100, CancellationToken.None);
                lock (gate)
                {
                    (host.Up, host.NeedsReboot, host.Boots) = (true, false, host.Boots + 1);
                }

                break;
            case SetMaintenance maintenance:
                Done.Enqueue($"maintenance {(maintenance.On ? "on" : "off")} {maintenance.Node}");
                hosts.Single(one => one.Name == maintenance.Node).Maintenance = maintenance.On;
                break;
            case MigrateGuest migration:
                Done.Enqueue($"move {migration.Vmid} to {migration.To}");
                Guests[migration.Vmid] = migration.To;
                break;
            default:
                return new(job.Id, JobOutcome.Failed, $"{job.GetType().Name} is not for this world");
        }

        return new(job.Id, JobOutcome.Succeeded, null);
    }

    private async Task Report(Host host)
    {
        if (!host.Up)
        {
            return;
        }

        await Node(host).RecordMetrics(host.Agent, new NodeMetrics(silo.Clock.GetUtcNow(), 30) { Memory = new(1L << 30, 8L << 30) });
        var taken = await Node(host).RecordInventory(host.Agent, Inventory(host));
        if (taken.Value is { } inventory)
        {
            await silo.Grains.GetGrain<IClusterGrain>(cluster.Value).RecordInventory(host.Name, inventory); // as the hub does
        }
    }

    private Inventory Inventory(Host host)
    {
        MemberSeen[] members = [.. hosts.Select(one => new MemberSeen(one.Name, one.Up, 1))];
        var states = hosts.ToDictionary(one => one.Name.Value, one => one.Maintenance ? "maintenance" : "online");
        return new(silo.Clock.GetUtcNow(), "1.0.0", host.Name.Value, "pve-manager/9.2.11/0", $"boot-{host.Boots}", new("lab", hosts.Count(one => one.Up) > hosts.Length / 2, members)
        {
            Clustered = hosts.Length > 1,
            Ha = new(Ha, Ha ? hosts[0].Name : null, Ha, Ha ? states : [], [])
            {
                MaintenanceRequested = [.. hosts.Where(one => one.Maintenance).Select(one => one.Name.Value)],
                ActiveServices = new Dictionary<string, int>(),
                Lrms = new Dictionary<string, LrmSeen>(),
            },
        },
        [.. Guests.Where(guest => guest.Value == host.Name).Select(guest => Some.Container(guest.Key.Value) with { MemoryBytes = 1L << 28, HaManaged = false })], [])
        {
            IntervalSeconds = 300,
            AgeSeconds = 1, // as an agent that looks for some milliseconds says
            AskedAt = host.AskedAt,
            Host = new()
            {
                KernelRunning = "6.17.4-1-pve",
                KernelNewest = "6.17.4-1-pve",
                RebootRequired = host.NeedsReboot,
                PendingUpdates = 1,
                RepositoryProblems = [],
                RunningTasks = [],
                RootFreeBytes = 20L << 30,
                BootFreeBytes = 1L << 30,
            },
        };
    }

    private INodeGrain Node(Host host) => silo.Grains.GetGrain<INodeGrain>(new NodeKey(cluster, host.Name).ToString());

    /// <summary>One host.</summary>
    internal sealed class Host(NodeName name, AgentId agent)
    {
        public NodeName Name => name;

        public AgentId Agent => agent;

        public bool Up { get; set; } = true;

        public DateTimeOffset? AskedAt { get; set; }

        public int Boots { get; set; }

        public int Patches { get; set; }

        public bool Maintenance { get; set; }

        public bool NeedsReboot { get; set; }

        public bool PatchNeedsReboot { get; set; } = true;
    }
}
