using System.Text.Json;
using System.Text.Json.Nodes;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Protocol.Tests;

/// <summary>
/// The wire's shapes as files: each is written exactly so, and read back to the same. An agent and a server of neighbouring releases meet
/// here, so a file is added to, never changed.
/// </summary>
public sealed class GoldenTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 23, 12, 0, 0, TimeSpan.Zero);
    private static readonly JobId Id = JobId.Parse("01M83HW1FS84TGPXTCYJ45S8G9");

    public static TheoryData<string> Names => [.. Samples.Keys];

    private static readonly Dictionary<string, (Type Type, object Value)> Samples = new()
    {
        ["job.patch-guest.json"] = (typeof(Job), new PatchGuest(Id, 3600, new(100), PatchMode.Apply, ["nginx"], new("apt-update.sh", new string('a', 64)))),
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
        ["inventory.unreadable.json"] = (typeof(Inventory), new Inventory(Noon, "0.1.0", "pve1", null, null, null, null, ["/etc/pve is empty: pmxcfs is not running."])),
    };

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
