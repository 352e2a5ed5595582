using CsCheck;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Metrics;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Tests.Metrics;

public sealed class ControlGroupTests : IDisposable
{
    private readonly LabHost host = new();
    private readonly FileBytes file = new();

    public void Dispose() => host.Dispose();

    [Theory]
    [InlineData(GuestType.Lxc, "lxc/100")]
    [InlineData(GuestType.Qemu, "qemu.slice/100.scope")]
    public void Version_2_has_one_directory(GuestType type, string directory)
    {
        host.Write("sys/fs/cgroup/cgroup.controllers", "cpu io memory\n");
        Write($"sys/fs/cgroup/{directory}", ("cpu.stat", "usage_usec 1500000\nuser_usec 1\n"), ("memory.current", "1000\n"), ("memory.max", "4096\n"),
            ("memory.stat", "anon 1\nfile 500\ninactive_file 400\n"), ("memory.swap.current", "7\n"), ("memory.swap.max", "max\n"),
            ("io.stat", "8:0 rbytes=100 wbytes=200 rios=1 wios=2 dbytes=0 dios=0\n8:16 rbytes=1 wbytes=2\n"));
        var group = Group(type);
        Assert.True(group.Groups.IsUnified);
        Assert.Equal(1_500_000_000, group.CpuNanoseconds(file));
        Assert.Equal((600, 4096), group.Memory(file));
        Assert.Equal((7, null), group.Swap(file));
        Assert.Equal((101, 202), group.Disk(file, new(host.Host)));
        Assert.Equal(Path.Combine(host.Directory, "sys/fs/cgroup", directory), group.Directory);
    }

    [Theory]
    [InlineData("blkio.throttle.io_service_bytes_recursive")]
    [InlineData("blkio.throttle.io_service_bytes")] // kernels before 4.18 or so
    public void Version_1_has_one_for_each_controller(string io)
    {
        host.Write("sys/fs/cgroup/unified/cgroup.controllers", ""); // both mixed: the tree of version 2 is there and has no controllers
        Write("sys/fs/cgroup/cpuacct/lxc/100", ("cpuacct.usage", "1500000000\n"));
        Write("sys/fs/cgroup/memory/lxc/100", ("memory.usage_in_bytes", "1000\n"), ("memory.limit_in_bytes", "4096\n"),
            ("memory.stat", "inactive_file 1\ntotal_inactive_file 400\n"), ("memory.memsw.usage_in_bytes", "1007\n"), ("memory.memsw.limit_in_bytes", "8192\n"));
        Write("sys/fs/cgroup/blkio/lxc/100", (io, "8:0 Read 100\n8:0 Write 200\n8:0 Sync 300\n8:0 Total 300\nTotal 300\n"));
        var group = Group(GuestType.Lxc);
        Assert.False(group.Groups.IsUnified);
        Assert.Equal(1_500_000_000, group.CpuNanoseconds(file));
        Assert.Equal((600, 4096), group.Memory(file));
        Assert.Equal((7, 4096), group.Swap(file));
        Assert.Equal((100, 200), group.Disk(file, new(host.Host)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_is_not_there_is_null(bool unified)
    {
        if (unified)
        {
            host.Write("sys/fs/cgroup/cgroup.controllers", "");
        }

        var group = Group(GuestType.Lxc);
        Assert.Null(group.CpuNanoseconds(file));
        Assert.Equal((null, null), group.Memory(file));
        Assert.Equal((null, null), group.Swap(file));
        Assert.Equal((null, null), group.Disk(file, new(host.Host)));
    }

    [Fact]
    public void A_byte_is_counted_on_the_disk_and_not_on_what_lies_over_it()
    {
        host.Write("sys/dev/block/253:4/slaves/sda/x", "");
        Directory.CreateDirectory(Path.Combine(host.Directory, "sys/dev/block/8:0/slaves"));
        var devices = new BlockDevices(host.Host);
        Assert.Equal((100, 0), devices.Sum("253:4 rbytes=100 wbytes=0\n8:0 rbytes=100 wbytes=0\n7:1 rbytes=100 wbytes=0\n"u8, isUnified: true));
        Assert.Equal((100, 0), devices.Sum("253:4 rbytes=100 wbytes=0\n"u8, isUnified: true)); // the one below is not in the list
    }

    [Theory]
    [InlineData("", true, 0L)]
    [InlineData("Total 0\n", false, 0L)]
    [InlineData("8:0 \n", true, 0L)]
    [InlineData("garbage\n", true, null)]
    [InlineData("x:y rbytes=5\n", true, null)]
    public void A_group_without_traffic_has_zero_and_garbage_has_nothing(string text, bool unified, long? expected) =>
        Assert.Equal((expected, expected), new BlockDevices(host.Host).Sum(System.Text.Encoding.ASCII.GetBytes(text), unified));

    [Fact]
    public void Any_bytes_are_survived() => Some.Garbage.Sample(bytes =>
    {
        foreach (var unified in (bool[])[true, false])
        {
            var (read, written) = new BlockDevices(host.Host).Sum(bytes, unified);
            Assert.True(read is null or >= 0 && written is null or >= 0);
        }
    });

    private ControlGroup Group(GuestType type) => new(ControlGroups.Of(host.Host), type, new Vmid(100));

    private void Write(string directory, params (string Name, string Text)[] files)
    {
        foreach (var (name, text) in files)
        {
            host.Write($"{directory}/{name}", text);
        }
    }
}
