using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Protocol.Tests;

/// <summary>
/// The wire's shapes as files: each is written exactly so, and read back to the same. An agent and a server of neighbouring releases meet
/// here, so a file is added to, never changed.
/// </summary>
public sealed class GoldenTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);
    private static readonly JobId Id = JobId.Parse("01M83HW1FS84TGPXTCYJ45S8G9");
    private static readonly ScriptReference Script = new("apt-update.sh", new string('a', 64)) { Signature = "MEUCIQDx" };

    public static TheoryData<string> Names => [.. Samples.Keys];

    private static readonly Dictionary<string, (Type Type, object Value)> Samples = new()
    {
        ["job.patch-guest.json"] = (typeof(Job), new PatchGuest(Id, 3600, new(100), PatchMode.Apply, ["nginx"], new("apt-update.sh", new string('a', 64)))),
        ["job.patch-guest.whole.json"] = (typeof(Job), new PatchGuest(Id, 3600, new(100), PatchMode.Apply, ["nginx"], Script)
        {
            SecurityOnly = true,
            Autoremove = true,
            Plan = new string('c', 64),
            StartStopped = true,
            WaitSeconds = 900,
        }),
        ["job.patch-host.json"] = (typeof(Job), new PatchHost(Id, 7200, PatchMode.DryRun, ["pve-kernel-*"], Script)),
        ["job.patch-vm.json"] = (typeof(Job), new PatchVm(Id, 3600, new(201), PatchMode.DryRun, [], Script with { Signer = ScriptSigner.Custom }) { WaitSeconds = 60 }),
        ["job.reboot-guest.json"] = (typeof(Job), new RebootGuest(Id, 300, new(100)) { WaitSeconds = 900 }),
        ["job.reboot-host.json"] = (typeof(Job), new RebootHost(Id, 1800)),
        ["job.diagnose.json"] = (typeof(Job), new Diagnose(Id, 120, new(100)) { ExpectedFamily = "debian" }),
        ["job.diagnose.host.json"] = (typeof(Job), new Diagnose(Id, 120, Vmid: null)),
        ["job.set-maintenance.json"] = (typeof(Job), new SetMaintenance(Id, 300, NodeName.Parse("pve2"), On: true)),
        ["job.set-maintenance.campaign.json"] = (typeof(Job), new SetMaintenance(Id, 300, NodeName.Parse("pve2"), On: false) { Campaign = JobId.Parse("01M83HW1FS84TGPXTCYJ45S8GA") }),
        ["job.set-ceph-flag.json"] = (typeof(Job), new SetCephFlag(Id, 300, SetCephFlag.Allowed, On: false)),
        ["job.migrate-guest.json"] = (typeof(Job), new MigrateGuest(Id, 1800, new(100), NodeName.Parse("pve2")) { StartBy = Noon }),
        ["job.power-guest.json"] = (typeof(Job), new PowerGuest(Id, 1800, new(201), On: true)),
        ["cancel-job.json"] = (typeof(CancelJob), new CancelJob(Id)),
        ["job-output.json"] = (typeof(JobOutput), new JobOutput(Id, OutputChannel.StandardError, 4096, 12, "Setting up\n")),
        ["diagnosis.json"] = (typeof(Diagnosis), new Diagnosis(
        [
            new("lock", CheckResult.Problem, "The container is locked (backup).", "Wait for the backup to end."),
            new("network", CheckResult.Unknown, "lxc-attach gave no answer within 10 s.", null),
        ])),
        ["job-report.waiting.json"] = (typeof(JobReport), new JobReport(Id, JobOutcome.Accepted, "waiting: the container is locked (backup)")),
        ["job-report.cancelled.json"] = (typeof(JobReport), new JobReport(Id, JobOutcome.Cancelled, "before it started") { CompletedAt = Noon }),
        ["job-report.running.json"] = (typeof(JobReport), new JobReport(Id, JobOutcome.Running, null) { StartedAt = Noon }),
        ["job-report.failed.json"] = (typeof(JobReport), new JobReport(Id, JobOutcome.Failed, "container not running")
        {
            ExitCode = 255,
            StandardError = "container '100' not running!\n",
            StandardErrorCut = 7,
            StartedAt = Noon,
            CompletedAt = Noon.AddSeconds(3),
        }),
        ["inventory.json"] = (typeof(Inventory), new Inventory(
            Noon,
            "0.1.0",
            "pve1",
            "pve-manager/9.2.11/0000000000000000",
            "0d8a7d2e-8f0e-4f3c-9a94-3b7c5f2b6a10",
            new("lab", true, [new(NodeName.Parse("pve1"), true, 1), new(NodeName.Parse("pve2"), false, null)]),
            [
                new(new(100), GuestType.Lxc, "web-server-01", GuestStatus.Running, "debian", new("debian", [], "12", "Debian GNU/Linux 12 (bookworm)"), null, false, null),
                new(new(200), GuestType.Qemu, "windows-server", GuestStatus.Unknown, "win11", null, "backup", false, "qm list failed"),
            ],
            [])),
        ["inventory.whole.json"] = (typeof(Inventory), new Inventory(
            Noon,
            "0.2.0",
            "pve1",
            "pve-manager/9.2.11/0000000000000000",
            "0d8a7d2e-8f0e-4f3c-9a94-3b7c5f2b6a10",
            new("lab", true, [new(NodeName.Parse("pve1"), true, 1), new(NodeName.Parse("pve2"), true, 1)])
            {
                Clustered = true,
                QDevice = new("net", "10.0.90.1", "ffsplit", 1, true),
                Ha = new(true, NodeName.Parse("pve1"), true, new Dictionary<string, string> { ["pve1"] = "online", ["pve2"] = "maintenance" }, ["ct:105"]),
                Ceph = new("HEALTH_WARN", ["OSD_NEARFULL: 1 nearfull osd(s)"], null),
                GuestsByNode = new Dictionary<NodeName, IReadOnlyList<Vmid>> { [NodeName.Parse("pve1")] = [new(100), new(200)], [NodeName.Parse("pve2")] = [] },
            },
            [
                new(new(100), GuestType.Lxc, "web-server-01", GuestStatus.Running, "debian", new("debian", [], "12", "Debian GNU/Linux 12 (bookworm)"), null, false, null)
                {
                    Cores = 2,
                    MemoryBytes = 536870912,
                    SwapBytes = 536870912,
                    Disks = [new("rootfs", "local-zfs:subvol-100-disk-0", 8589934592, "/"), new("mp0", "/srv/share", null, "/share")],
                    Networks = [new("net0", "bc:24:11:00:00:64", "vmbr0", "10.0.0.5")],
                    Addresses = ["10.0.0.5", "fd00::5"],
                    PrimaryAddress = "10.0.0.5",
                    Tags = ["prod", "web"],
                    Unprivileged = true,
                    OnBoot = true,
                    HaManaged = true,
                    HaState = "started",
                    StartedAt = Noon.AddDays(-1),
                },
                new(new(200), GuestType.Qemu, "windows-server", GuestStatus.Stopped, "win11", null, null, false, null)
                {
                    Cores = 4,
                    MemoryBytes = 8589934592,
                    Disks = [new("scsi0", "local:200/vm-200-disk-0.raw", 68719476736, null)],
                    Networks = [],
                    Tags = [],
                    OnBoot = false,
                    HaManaged = false,
                    SmbiosUuid = "5f0f2b1e-7f53-4c3e-9a55-0000000000c8",
                    QemuAgent = true,
                },
            ],
            [])
        {
            Node = NodeName.Parse("pve1"),
            ClusterId = ClusterId.Parse("c0123456789abcdef"),
            Fingerprint = "F1",
            Host = new()
            {
                Os = new("debian", [], "13", "Debian GNU/Linux 13 (trixie)"),
                KernelRunning = "6.17.4-1-pve",
                KernelNewest = "6.17.9-1-pve",
                RebootRequired = true,
                RebootReason = "6.17.9-1-pve is installed",
                BootedAt = Noon.AddDays(-30),
                Cores = 16,
                MemoryBytes = 68719476736,
                SwapBytes = 0,
                Addresses = ["10.0.0.11"],
                PrimaryAddress = "10.0.0.11",
                Macs = ["bc:24:11:00:00:01"],
                SmbiosUuid = "4c4c4544-0000-0000-0000-000000000001",
                PendingUpdates = 3,
                PackageListsAt = Noon.AddHours(-9),
                RepositoryProblems = ["enterprise repository without a subscription"],
                Subscription = "notfound",
            },
            Storages = [new("local-zfs", "zfspool", ["images", "rootdir"], false, "available", 1024, 4096, "ONLINE")],
        }),
        ["inventory.delta.json"] = (typeof(Inventory), new Inventory(Noon, "0.2.0", "pve1", null, null, null, [], [])
        {
            Fingerprint = "F2",
            Since = "F1",
            Gone = [new(new(100), NodeName.Parse("pve2"), false), new(new(101), null, true), new(new(102), null, false)],
            Host = new() { PendingUpdatesProblem = "pvesh: no end within 30 s" },
        }),
        ["inventory.asked.json"] = (typeof(Inventory), new Inventory(Noon, "0.2.0", "pve1", null, null, null, null, []) { AgeSeconds = 1, AskedAt = Noon }),
        ["inventory-answer.json"] = (typeof(InventoryAnswer), new InventoryAnswer(true)),
        ["discover.host.json"] = (typeof(Discover), new Discover(null) { HostOnly = true }),
        ["discover.asked.json"] = (typeof(Discover), new Discover(null) { HostOnly = true, AskedAt = Noon }),
        ["discover.json"] = (typeof(Discover), new Discover(new(100))),
        ["node-metrics.json"] = (typeof(NodeMetrics), new NodeMetrics(Noon, 30)
        {
            CpuPercent = 12.5,
            Cores = 16,
            Load = new(0.5, 0.25, 0.125),
            UptimeSeconds = 86400,
            Memory = new(1024, 4096),
            Swap = new(0, 0),
            Mounts = [new("/", "ext4", new(512, 1024))],
            NetworkInPerSecond = 1000.5,
            NetworkOutPerSecond = 0,
            Guests =
            [
                new(new(100), GuestType.Lxc, GuestStatus.Running)
                {
                    CpuCores = 0.25,
                    Memory = new(256, 512),
                    Swap = new(0, 512),
                    Disk = new(100, 1000),
                    DiskReadPerSecond = 1,
                    DiskWritePerSecond = 2,
                    NetworkInPerSecond = 3,
                    NetworkOutPerSecond = 4,
                },
                new(new(200), GuestType.Qemu, GuestStatus.Stopped),
            ],
            Storages = [new("local", new(512, 1024))],
            Quorate = true,
            HaState = "online",
            Problems = ["/proc/meminfo has no MemAvailable"],
        }),
        ["inventory.unreadable.json"] = (typeof(Inventory), new Inventory(Noon, "0.1.0", "pve1", null, null, null, null, ["/etc/pve is empty: pmxcfs is not running."])),
    };

    private static readonly JsonSerializerOptions Later = new(ProtocolJson.Default.Options)
    {
        TypeInfoResolver = ProtocolJson.Default.Options.TypeInfoResolver!.WithAddedModifier(record =>
        {
            if (record.Kind is JsonTypeInfoKind.Object)
            {
                var gained = record.CreateJsonPropertyInfo(typeof(string), "of_a_later_release");
                gained.Get = _ => "what it is";
                record.Properties.Add(gained);
            }
        }),
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void What_a_later_release_adds_is_skipped(string name)
    {
        var (type, value) = Samples[name];
        var said = JsonSerializer.Serialize(value, type, Later);
        Assert.Contains("of_a_later_release", said, StringComparison.Ordinal);
        Assert.Equal(JsonSerializer.Serialize(value, type, ProtocolJson.Default), JsonSerializer.Serialize(JsonSerializer.Deserialize(said, type, ProtocolJson.Default), type, ProtocolJson.Default));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Is_written_and_read_as_the_golden_file_has_it(string name)
    {
        var (type, value) = Samples[name];
        var golden = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Golden", "wire", name));

        var written = JsonSerializer.Serialize(value, type, ProtocolJson.Default);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(golden), JsonNode.Parse(written)), $"{name} is written as\n{written}");

        var read = JsonSerializer.Deserialize(golden, type, ProtocolJson.Default)!;
        Assert.Equal(written, JsonSerializer.Serialize(read, type, ProtocolJson.Default));
    }

    [Fact]
    public void Every_golden_file_is_tested() => Assert.Equal(
        Samples.Keys.Order(),
        Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Golden", "wire")).Select(Path.GetFileName).Order());
}
