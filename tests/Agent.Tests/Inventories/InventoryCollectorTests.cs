using NannyOrleans.Agent.Inventories;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Tests.Inventories;

public sealed class InventoryCollectorTests : IDisposable
{
    private const string Pct = """
        echo "$*" >> $root/pct.calls
        case $1 in
          list) cat $root/list ;;
          exec) cat $root/os-release ;;
        esac
        """;

    private readonly LabHost host = new();
    private readonly InventoryCollector collector;

    public InventoryCollectorTests()
    {
        host.Container(100);
        host.Command("pct", Pct);
        host.Write("list", "VMID       Status     Lock         Name                \n100        running                 web-01              \n");
        host.Write("os-release", Fixture.Read("os-release.debian"));
        collector = new(host.Host, NodeName.Parse("pve1"), new BoundedReads(Eventually.Limit), "0.1.0", TimeSpan.FromSeconds(77), TimeProvider.System);
    }

    public void Dispose() => host.Dispose();

    [Fact]
    public async Task A_stopped_pmxcfs_is_unknown_guests_and_not_none()
    {
        Directory.Delete(Path.Combine(host.Directory, "etc/pve"), recursive: true);
        Directory.CreateDirectory(Path.Combine(host.Directory, "etc/pve"));
        var inventory = await collector.Collect(default);
        Assert.Null(inventory.Guests);
        Assert.Null(inventory.Cluster);
        Assert.Equal(77, inventory.IntervalSeconds); // so that the server knows when this is old
        Assert.Contains("is pmxcfs (service pve-cluster) running?", Assert.Single(inventory.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_files_and_an_empty_list_are_no_guests()
    {
        File.Delete(Path.Combine(host.Directory, "etc/pve/nodes/pve1/lxc/100.conf"));
        host.Write("etc/pve/.vmlist", "{ \"version\": 1}");
        var inventory = await collector.Collect(default);
        Assert.Empty(inventory.Guests!);
        Assert.Empty(inventory.Problems);
    }

    [Theory]
    [InlineData("{\"version\":1,\"ids\":{\"100\":{\"node\":\"pve1\",\"type\":\"lxc\",\"version\":1}}}")]
    [InlineData("not json")]
    [InlineData(null)]
    public async Task No_files_without_an_empty_list_are_unknown(string? vmlist)
    {
        File.Delete(Path.Combine(host.Directory, "etc/pve/nodes/pve1/lxc/100.conf"));
        File.Delete(Path.Combine(host.Directory, "etc/pve/.vmlist"));
        if (vmlist is not null)
        {
            host.Write("etc/pve/.vmlist", vmlist);
        }

        var inventory = await collector.Collect(default);
        Assert.Null(inventory.Guests);
        Assert.NotEmpty(inventory.Problems);
    }

    [Theory]
    [InlineData("echo 'vm 99 - unable to parse config: x' >&2; echo '400 Result verification failed' >&2; exit 255", "pct list: exit code 255: vm 99 - unable to parse config: x; 400 Result verification failed")]
    [InlineData("echo 'ipcc_send_rec[1] failed: Connection refused' >&2; exit 111", "pct list: exit code 111: ipcc_send_rec[1] failed: Connection refused")]
    public async Task Guests_whose_status_cannot_be_asked_have_none(string pct, string problem)
    {
        host.Command("pct", pct);
        var inventory = await collector.Collect(default);
        var guest = Assert.Single(inventory.Guests!);
        Assert.Equal((GuestStatus.Unknown, "web-01", problem), (guest.Status, guest.Name, guest.Problem));
        Assert.Contains(problem, inventory.Problems);
    }

    [Fact]
    public async Task A_file_that_is_not_named_after_a_vmid_is_said()
    {
        host.Write("etc/pve/nodes/pve1/lxc/99.conf", "x");
        var inventory = await collector.Collect(default);
        Assert.Single(inventory.Guests!);
        Assert.StartsWith("99.conf is not named after a vmid", Assert.Single(inventory.Problems), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Os_release_is_read_once_and_again_after_a_change_or_a_restart()
    {
        Assert.Equal("debian", (await Only()).Os?.Id);
        Assert.Equal("debian", (await Only()).Os?.Id);
        Assert.Equal(1, Execs());

        host.Container(100, "hostname: web-02\n");
        Assert.Equal("debian", (await Only()).Os?.Id);
        Assert.Equal(2, Execs());

        host.Write("list", "100        stopped                 web-02              \n");
        Assert.Equal((GuestStatus.Stopped, "debian"), await Only() is var stopped ? (stopped.Status, stopped.Os?.Id) : default);
        Assert.Equal(2, Execs());

        host.Write("list", "100        running                 web-02              \n");
        host.Write("os-release", Fixture.Read("os-release.rocky"));
        Assert.Equal("rocky", (await Only()).Os?.Id);
        Assert.Equal(3, Execs());
    }

    [Fact]
    public async Task An_os_release_that_cannot_be_read_is_a_problem_and_tried_again()
    {
        host.Write("os-release", "Welcome\n");
        var guest = await Only();
        Assert.Null(guest.Os);
        Assert.Equal("/etc/os-release has no line that can be read", guest.Problem);
        host.Write("os-release", Fixture.Read("os-release.arch"));
        Assert.Equal("arch", (await Only()).Os?.Id);
    }

    [Fact]
    public async Task Templates_and_stopped_containers_are_not_entered()
    {
        host.Container(100, "hostname: base\ntemplate: 1\n");
        host.Container(101, "hostname: off\n");
        host.Write("list", "100        stopped                 base                \n101        stopped                 off                 \n");
        var inventory = await collector.Collect(default);
        Assert.Equal([true, false], inventory.Guests!.Select(guest => guest.Template));
        Assert.Equal(0, Execs());
        Assert.Equal("list\n", host.Read("pct.calls")); // one list in the whole round
    }

    private async Task<GuestSeen> Only() => Assert.Single((await collector.Collect(default)).Guests!);

    private int Execs() => host.Read("pct.calls").Split('\n').Count(line => line is "exec 100 -- cat /etc/os-release");
}
