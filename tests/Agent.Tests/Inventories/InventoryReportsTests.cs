using System.Globalization;
using System.Text.Json;
using NannyOrleans.Agent.Inventories;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Tests.Inventories;

public sealed class InventoryReportsTests : IDisposable
{
    private static readonly InventoryAnswer Good = new(NeedsWhole: false);
    private readonly LabHost host = new();
    private readonly SettableClock clock = new();
    private readonly InventoryReports reports;

    public InventoryReportsTests()
    {
        host.WriteFacts();
        foreach (var vmid in (int[])[100, 101, 102])
        {
            host.Container(vmid, $"hostname: c{vmid}\n");
        }

        host.Runs(100);
        reports = new(new InventoryCollector(host.Host, NodeName.Parse("pve1"), new BoundedReads(Eventually.Limit), new([new("https://x")], null, TimeSpan.FromSeconds(77), TimeSpan.FromSeconds(30)), "0", clock));
    }

    public void Dispose() => host.Dispose();

    private async Task<Inventory> Said()
    {
        var report = await reports.Next(default);
        reports.Taken(Good);
        return report;
    }

    [Fact]
    public async Task The_first_report_is_whole_and_the_next_says_nothing_new()
    {
        var first = await Said();
        Assert.Equal((3, null, null), (first.Guests!.Count, first.Since, first.Gone));
        Assert.NotNull(first.Cluster!.GuestsByNode);
        Assert.Equal(64, first.Fingerprint!.Length);
        clock.Advance(TimeSpan.FromMinutes(5)); // the uptime's rounding is another
        var next = await Said();
        Assert.Equal((0, first.Fingerprint, first.Fingerprint, 0), (next.Guests!.Count, next.Since, next.Fingerprint, next.Gone!.Count));
        Assert.Null(next.Cluster!.GuestsByNode);
        Assert.Equal(("pve1", 2, 1), (next.Hostname, next.Host!.Cores, next.Storages!.Count)); // the rest is always there
    }

    [Fact]
    public async Task Only_guests_that_changed_are_said()
    {
        var first = await Said();
        host.Container(101, "hostname: renamed\n");
        host.Container(103, "hostname: new\n");
        var next = await Said();
        Assert.Equal([101, 103], next.Guests!.Select(guest => guest.Vmid.Value));
        Assert.Equal(first.Fingerprint, next.Since);
        Assert.NotEqual(first.Fingerprint, next.Fingerprint);

        File.Delete(host.Host.At("/etc/pve/nodes/pve1/lxc/103.conf"));
        host.Container(101, "hostname: c101\n");
        var back = await Said();
        Assert.Equal((next.Fingerprint, first.Fingerprint), (back.Since, back.Fingerprint)); // what the guests are is what they were
    }

    [Fact]
    public async Task Guests_that_went_are_said_with_where_they_are_now()
    {
        host.Write("etc/pve/nodes/pve2/lxc/x", string.Empty);
        await Said();
        File.Move(host.Host.At("/etc/pve/nodes/pve1/lxc/101.conf"), host.Host.At("/etc/pve/nodes/pve2/lxc/101.conf"));
        File.Delete(host.Host.At("/etc/pve/nodes/pve1/lxc/102.conf"));
        host.ListGuests();
        Assert.Equal([new(new(101), NodeName.Parse("pve2"), Deleted: false), new GuestGone(new(102), null, Deleted: true)], (await Said()).Gone!);
    }

    [Fact]
    public async Task Without_the_clusters_list_nobody_is_called_deleted()
    {
        await Said();
        File.Delete(host.Host.At("/etc/pve/nodes/pve1/lxc/102.conf"));
        File.Delete(host.Host.At("/etc/pve/.vmlist"));
        Assert.Equal([new GuestGone(new(102), null, Deleted: false)], (await Said()).Gone!);
    }

    [Fact]
    public async Task Guests_that_cannot_be_listed_are_nothing_to_build_on()
    {
        await Said();
        File.Move(host.Host.At("/etc/pve/.members"), host.Host.At("/members"));
        var blind = await Said();
        Assert.Equal((null, null, null, null), (blind.Guests, blind.Fingerprint, blind.Since, blind.Gone));
        File.Move(host.Host.At("/members"), host.Host.At("/etc/pve/.members"));
        Assert.Equal((3, null), await Said() is var whole ? (whole.Guests!.Count, whole.Since) : default);
    }

    [Fact]
    public async Task A_server_that_has_not_what_is_built_on_gets_all_at_once()
    {
        Assert.Null((await reports.Next(default)).Since);
        Assert.False(reports.Taken(new(NeedsWhole: true))); // it had all: asked again at once it would say the same
        await Said();
        Assert.NotNull((await reports.Next(default)).Since);
        Assert.True(reports.Taken(new(NeedsWhole: true)));
        Assert.Null((await Said()).Since);
    }

    [Fact]
    public async Task A_report_without_an_answer_is_not_built_on()
    {
        await Said();
        await reports.Next(default); // the call fails
        reports.BeginAnew();
        Assert.Null((await Said()).Since);
    }

    [Fact]
    public async Task A_server_that_answers_nothing_has_taken_it()
    {
        await reports.Next(default);
        Assert.False(reports.Taken(null));
        Assert.NotNull((await Said()).Since);
    }

    [Fact]
    public async Task A_report_that_is_too_long_is_sent_without_disks_and_networks()
    {
        var mounts = string.Concat(Enumerable.Range(0, 256).Select(i => string.Create(CultureInfo.InvariantCulture, $"mp{i}: local:{new string('v', 200)}{i},mp=/{new string('p', 200)},size=8G\n")));
        for (var vmid = 200; vmid < 240; vmid++)
        {
            host.Write($"etc/pve/nodes/pve1/lxc/{vmid}.conf", $"hostname: c\n{mounts}");
        }

        host.ListGuests();
        var report = await Said();
        Assert.Equal(43, report.Guests!.Count);
        Assert.DoesNotContain(report.Guests, guest => guest.Disks is not null || guest.Networks is not null);
        Assert.Contains("the inventory was too long to send: the guests' disks and networks are left out", report.Problems);
        Assert.InRange(JsonSerializer.SerializeToUtf8Bytes(report, ProtocolJson.Default.Inventory).Length, 1, 4 * 1024 * 1024 - 1);
        Assert.Empty((await Said()).Guests!);
    }

    [Fact]
    public async Task A_report_that_is_too_long_all_the_same_is_sent_without_guests()
    {
        var tags = string.Join(';', Enumerable.Range(0, 64).Select(i => string.Create(CultureInfo.InvariantCulture, $"{new string('t', 190)}{i}")));
        for (var vmid = 200; vmid < 600; vmid++)
        {
            host.Write($"etc/pve/nodes/pve1/lxc/{vmid}.conf", $"tags: {tags}\n");
        }

        host.ListGuests();
        var report = await Said();
        Assert.Equal((null, null), (report.Guests, report.Fingerprint));
        Assert.Contains("the inventory was too long to send: the guests are left out", report.Problems);
        Assert.Null((await Said()).Since);
    }
}
