using System.Text.Json;
using NannyOrleans.Domain.Batches;
using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Batches;
using NannyOrleans.Grains.Exceptions;
using NannyOrleans.Grains.Fleet;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Grains.Scripts;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Silo.Tests.Storage;

/// <summary>One value of everything that is stored, with nothing left at its default that can be set.</summary>
internal static class Stored
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);
    private static readonly AgentId Agent = AgentId.Parse("01M83HYC366EDV4QB830883JAT");
    private static readonly NodeName Node = NodeName.Parse("pve1");
    private static readonly ClusterId Cluster = ClusterId.Parse("c0123456789abcdef");

    private static readonly GuestSeen Web = new(
        new(100), GuestType.Lxc, "web-server-01", GuestStatus.Running, "debian", new("ubuntu", ["debian"], "24.04", "Ubuntu 24.04 LTS"), "backup", true, "odd")
    {
        Cores = 2,
        MemoryBytes = 536870912,
        SwapBytes = 268435456,
        Disks = [new("rootfs", "local-lvm:vm-100-disk-0", 8589934592, "/")],
        Networks = [new("net0", "bc:24:11:2a:3b:4c", "vmbr0", "dhcp")],
        Addresses = ["192.0.2.10"],
        PrimaryAddress = "192.0.2.10",
        Tags = ["web"],
        Unprivileged = true,
        OnBoot = true,
        HaManaged = true,
        HaState = "started",
        StartedAt = Noon.AddDays(-1),
        SmbiosUuid = "4c4c4544-0042-3510-8054-b4c04f4a4d32",
        QemuAgent = true,
    };

    private static readonly HostSeen Hardware = new()
    {
        Os = new("debian", ["linux"], "13", "Debian GNU/Linux 13 (trixie)"),
        KernelRunning = "6.17.2-1-pve",
        KernelNewest = "6.17.4-1-pve",
        RebootRequired = true,
        RebootReason = "A newer kernel is installed.",
        BootedAt = Noon.AddDays(-2),
        Cores = 8,
        MemoryBytes = 34359738368,
        SwapBytes = 8589934592,
        Addresses = ["192.0.2.1"],
        PrimaryAddress = "192.0.2.1",
        Macs = ["bc:24:11:00:00:01"],
        SmbiosUuid = "0d8a7d2e-8f0e-4f3c-9a94-3b7c5f2b6a11",
        PendingUpdates = 4,
        PackageListsAt = Noon.AddHours(-3),
        PendingUpdatesProblem = "The lists are old.",
        RepositoryProblems = ["no subscription"],
        Subscription = "notfound",
    };

    private static readonly Inventory Host = new(
        Noon,
        "0.1.0",
        "pve1.lan",
        "pve-manager/9.2.11/0000000000000000",
        "0d8a7d2e-8f0e-4f3c-9a94-3b7c5f2b6a10",
        new("lab", true, [new(Node, true, 1)])
        {
            Clustered = true,
            QDevice = new("net", "192.0.2.9", "ffsplit", 1, true),
            Ha = new(true, Node, true, new Dictionary<string, string> { ["pve1"] = "online" }, ["ct:100"]),
            Ceph = new("HEALTH_WARN", ["OSD_DOWN: 1 osds down"], "slow"),
            GuestsByNode = new Dictionary<NodeName, IReadOnlyList<Vmid>> { [Node] = [new(100)] },
        },
        [Web],
        ["slow"])
    {
        IntervalSeconds = 600,
        Node = Node,
        ClusterId = Cluster,
        Fingerprint = "f2",
        Since = "f1",
        Gone = [new(new(101), NodeName.Parse("pve2"), true)],
        Host = Hardware,
        Storages = [new("local-zfs", "zfspool", ["images", "rootdir"], true, "available", 1073741824, 10737418240, "ONLINE")],
    };

    /// <summary>An operation that is alive.</summary>
    public static readonly OperationRecord Running = new()
    {
        Id = JobId.Parse("01M83HW1FS84TGPXTCYJ45S8G9"),
        Cluster = Cluster,
        Vmid = new(100),
        Name = "web-server-01",
        Node = Node,
        Family = PlatformFamily.Debian,
        Mode = PatchMode.Apply,
        Exclusions = ["nginx", "linux-*"],
        Script = new("apt-update.sh", new string('a', 64)),
        RequestedBy = "admin",
        CreatedAt = Noon,
        Status = OperationStatus.Running,
        StartedAt = Noon.AddSeconds(1),
    };

    /// <summary>An operation at its end, with everything an end can have.</summary>
    public static readonly OperationRecord Ended = Running with
    {
        Status = OperationStatus.Failed,
        CompletedAt = Noon.AddSeconds(3),
        ExitCode = 100,
        Failure = new("packages-failed", "Still pending: openssl."),
        Findings = new(
            PatchMode.Apply,
            [new("nginx", "1.18.0", "1.24.0", true, "Debian-Security"), new("libnew", null, "1.0", false, null)],
            ["kept"],
            [new("nginx", "excluded")],
            ["gone"],
            ["openssl"],
            true,
            ["disk nearly full"],
            new("apt-failed", "apt-get failed.")),
    };

    // No operation is of all kinds at once; its shape is tested as if one were.
    private static readonly OperationRecord Whole = Ended with
    {
        Kind = OperationKind.Diagnosis,
        Agent = Agent,
        Exceptions = [new("01M83HW1FS84TGPXTCYJ45S8GA", ["mysql-*"], "The database is pinned.")],
        SecurityOnly = true,
        Autoremove = true,
        StartStopped = true,
        Plan = JobId.Parse("01M83HW1FS84TGPXTCYJ45S8GB"),
        Batch = JobId.Parse("01M83HW1FS84TGPXTCYJ45S8GC"),
        Campaign = JobId.Parse("01M83HW1FS84TGPXTCYJ45S8GH"),
        Reason = "A new kernel.",
        WaitingFor = "The container is locked (backup).",
        CancelRequested = true,
        Findings = Ended.Findings! with { ServicesToRestart = ["nginx.service"] },
        Warning = "the container was stopped before and could not be stopped again: exit code 1",
        LateAnswer = new(JobOutcome.Succeeded, "came back with kernel 6.17.4-1-pve", Noon.AddHours(1)),
        Diagnosis = new([new("disk-space", CheckResult.Problem, "/var has 10 MB left.", "Make room.")]),
    };

    private static readonly PatchState Patches = new(Running.Id, Noon, 3, true, new("interrupted", "Power loss.")) { RestartedBy = JobId.Parse("01M83HW1FS84TGPXTCYJ45S8GH") };

    private static readonly Annotation Said = new() { PlatformFamily = PlatformFamily.Debian, Tags = ["prod"], Notes = "Ask before a reboot.", Agent = Agent, AgentlessVm = true };

    /// <summary>By the golden file's name, less its ending.</summary>
    public static readonly IReadOnlyDictionary<string, object> Samples = new Dictionary<string, object>
    {
        ["node-state"] = new NodeState
        {
            Agent = Agent,
            Hostname = "pve1.lan",
            Epoch = 7,
            Outbox = [new(new PatchGuest(Running.Id, 3600, new(100), PatchMode.Apply, ["nginx"], Running.Script), Running, JobOutcome.Running, Agent) { CancelRequested = true, HeardAt = Noon, Trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", Waits = true }],
        },
        ["node-inventory"] = new NodeInventory
        {
            Report = Host,
            ReceivedAt = Noon,
            GuestsAt = Noon.AddMinutes(-5),
            GuestsQuorate = true,
            Departed = [new(Web, NodeName.Parse("pve2"), true, Noon.AddDays(-1))],
        },
        ["guest-state"] = new GuestState { Patches = Patches },
        ["cluster-state"] = new ClusterState
        {
            Name = "lab",
            MembershipKey = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            Nodes = [new(Node, Agent, "pve1.lan", Said)],
            Guests = [new(new(100), Said, Patches)],
        },
        ["fleet-state"] = new FleetState { Clusters = [Cluster] },
        ["operation-state"] = new OperationState { Operation = Running },
        ["operation-record"] = Whole,
        ["batch-state"] = new BatchState
        {
            Id = JobId.Parse("01M83HW1FS84TGPXTCYJ45S8GC"),
            Order = new(PatchMode.Apply, ["nginx"], "admin"),
            CreatedAt = Noon,
            Cancelled = true,
            Targets =
            [
                new(JobId.Parse("01M83HW1FS84TGPXTCYJ45S8GD"), "c0123456789abcdef-lxc-100", Cluster, new(100), null, BatchStep.Started, null),
                new(JobId.Parse("01M83HW1FS84TGPXTCYJ45S8GE"), "01M83HYC366EDV4QB830883JAT", Cluster, null, Node, BatchStep.Waiting, null),
                new(JobId.Parse("01M83HW1FS84TGPXTCYJ45S8GF"), "nobody", null, null, null, BatchStep.Refused, new("not-found", "There is none.")),
            ],
        },
        ["campaign-state"] = new CampaignState
        {
            Id = JobId.Parse("01M83HW1FS84TGPXTCYJ45S8GH"),
            Order = new(PatchMode.Apply, "admin")
            {
                Nodes = [Node],
                Canary = Node,
                GuestTag = "web",
                Guests = GuestsFirst.Tagged,
                Drain = DrainPolicy.ShutDown,
                Reboot = RebootPolicy.Always,
                OnFailure = FailurePolicy.SkipNode,
                WithoutQuorum = WithoutQuorum.PatchOnly,
                ApproveReboots = true,
                AcceptRepositoryProblems = true,
                WindowEnd = Noon.AddHours(6),
                Exclusions = ["nginx"],
                Plans = new Dictionary<NodeName, JobId> { [Node] = JobId.Parse("01M83HW1FS84TGPXTCYJ45S8GB") },
            },
            Status = CampaignStatus.Halted,
            Reason = "pve1: The patch failed.",
            StartedAt = Noon,
            EndedAt = Noon.AddHours(2),
            Nodes =
            [
                new(Node, NodeStep.Drain)
                {
                    Since = Noon,
                    Deadline = Noon.AddHours(1),
                    WaitsFor = [new("votes", GateVerdict.Wait, "Only 1 vote.")],
                    Work = [new(JobId.Parse("01M83HW1FS84TGPXTCYJ45S8GJ"), WorkKind.MoveGuest, Node) { Vmid = new(100), Target = NodeName.Parse("pve2"), End = new(false, "It is locked.") }],
                    BootId = "0d8a7d2e-8f0e-4f3c-9a94-3b7c5f2b6a10",
                    PatchedAt = Noon,
                    Rebooted = true,
                    Maintenance = true,
                    Approved = true,
                    Guests = [new(new(100), GuestType.Lxc, "web-server-01", GuestWay.Migrate, NodeName.Parse("pve2"), "It moves.")],
                    Note = "It failed.",
                    Failed = true,
                },
            ],
            CephFlags = ["noout"],
            Votes = new(3, 2, 2),
            News =
            [
                new(1, Noon, Node, NodeStep.Drain, "It is drained.", [new("votes", GateVerdict.Pass, "2 votes.")])
                {
                    Work = [new(JobId.Parse("01M83HW1FS84TGPXTCYJ45S8GK"), WorkKind.StopGuest, Node) { Vmid = new(100) }],
                },
                new(2, Noon, null, null, "2 of 3 votes are online; 2 are needed.", null) { Votes = new(3, 2, 2) },
            ],
            Events = 2,
        },
        ["unfinished-batches-state"] = new UnfinishedBatchesState { Batches = [JobId.Parse("01M83HW1FS84TGPXTCYJ45S8GC")] },
        ["custom-scripts-state"] = new CustomScriptsState
        {
            Scripts = [new(new("mine.sh", new string('b', 64)) { Signature = "c2ln", Signer = ScriptSigner.Custom }, PlatformFamily.Debian, "12", 90, "admin", Noon)],
        },
        ["script-content-state"] = new ScriptContentState { Content = "printf 'nanny-patch: started\\n' >&2\n" },
        ["package-exceptions-state"] = new PackageExceptionsState
        {
            Exceptions =
            [
                new()
                {
                    Id = ExceptionId.Parse("01M83HW1FS84TGPXTCYJ45S8GA"),
                    Target = new(Cluster, new(100), null),
                    AgentId = "c0123456789abcdef-lxc-100",
                    PackageNames = ["pve-kernel-*"],
                    Reason = "Until the window.",
                    ExpiresAt = Noon.AddDays(7),
                    CreatedBy = "admin",
                    CreatedAt = Noon,
                },
                new() { Id = ExceptionId.Parse("01M83HW1FS84TGPXTCYJ45S8GB"), Target = new(Cluster, null, Node), AgentId = Agent.Value, PackageNames = ["mc"], CreatedBy = "admin", CreatedAt = Noon },
            ],
        },
    };

    /// <summary>For comparing records that hold lists, which compare by reference.</summary>
    public static string Json(object? value) => JsonSerializer.Serialize(value);
}
