using System.Globalization;
using System.Text;
using CsCheck;
using NannyOrleans.Agent.Metrics;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Agent.Tests.Metrics;

public sealed class ProcFilesTests
{
    [Theory]
    [InlineData("cpu  100 20 30 800 50 1 2 3 10 5\ncpu0 1 1 1 1\ncpu1 1 1 1 1\nintr 5\n", 156L, 850L, 2)]
    [InlineData("cpu 1 2 3 4\n", 6L, 4L, null)] // a kernel from before 2.6; nobody says how many there are
    [InlineData("cpufreq 1\ncpu  1 0 0 9 0 0 0\ncpu0 1 0 0 9 0 0 0\n", 1L, 9L, 1)]
    public void Processor_time_is_busy_or_idle(string text, long busy, long idle, int? cores) =>
        Assert.Equal(new ProcessorTime(busy, idle, cores), ProcFiles.Processors(Encoding.ASCII.GetBytes(text)));

    [Theory]
    [InlineData("")]
    [InlineData("cpu0 1 2 3 4\n")]
    [InlineData("cpu  1 2 3\n")]
    [InlineData("cpu  1 2 -3 4\n")]
    [InlineData("cpu  1 2 x 4\n")]
    [InlineData("cpu  99999999999999999999 2 3 4\n")]
    public void Processor_time_that_is_none_is_null(string text) => Assert.Null(ProcFiles.Processors(Encoding.ASCII.GetBytes(text)));

    [Theory]
    [InlineData("MemTotal: 100 kB\nMemFree: 1 kB\nMemAvailable: 60 kB\nSwapTotal: 10 kB\nSwapFree: 4 kB\n", 40L, 6L)]
    [InlineData("MemTotal: 100 kB\nMemFree: 1 kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n", null, 0L)] // before 3.14
    [InlineData("MemTotal: 100 kB\nMemAvailable: 160 kB\nSwapTotal: 10 kB\n", null, null)]
    [InlineData("MemTotal: 999999999999999999 kB\nMemAvailable: 1 kB\n", null, null)]
    [InlineData("MemTotal: -1 kB\nMemAvailable: 1 kB\n", null, null)]
    [InlineData("", null, null)]
    public void Memory_is_what_is_not_available(string text, long? memoryKib, long? swapKib)
    {
        var bytes = Encoding.ASCII.GetBytes(text);
        Assert.Equal((memoryKib * 1024, swapKib * 1024), (ProcFiles.Memory(bytes)?.UsedBytes, ProcFiles.Swap(bytes)?.UsedBytes));
    }

    [Fact]
    public void Load_and_uptime_are_the_first_words()
    {
        Assert.Equal(new LoadAverages(0.5, 12.25, 3), ProcFiles.Load("0.50 12.25 3.00 2/345 6789\n"u8));
        Assert.Equal(123456, ProcFiles.Uptime("123456.78 99.9\n"u8));
        Assert.Null(ProcFiles.Load("0.50 12.25\n"u8));
        Assert.Null(ProcFiles.Load("-1 0 0\n"u8));
        Assert.Null(ProcFiles.Load("nan 0 0\n"u8));
        Assert.Null(ProcFiles.Uptime("x\n"u8));
        Assert.Null(ProcFiles.Uptime(""u8));
    }

    [Theory]
    [InlineData("7 (sh) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 1 1", 4711L)]
    [InlineData("7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 1 1", 4711L)] // the name is what the process makes it
    [InlineData("7 (sh) S 1 7", null)]
    [InlineData("7 sh S 1", null)]
    [InlineData("", null)]
    public void The_start_time_is_behind_the_name(string text, long? started) => Assert.Equal(started, ProcFiles.StartTime(Encoding.ASCII.GetBytes(text)));

    [Theory]
    [InlineData("Name:\tinit\nNSpid:\t4711\t1\nThreads: 1\n", true)]
    [InlineData("Name:\tsh\nNSpid:\t4711\t17\n", false)]
    [InlineData("Name:\tdocker's init\nNSpid:\t4711\t300\t1\n", false)] // of a container inside the container
    [InlineData("Name:\tinit\nNSpid:\t1\n", false)] // this system's own
    [InlineData("Name:\tNSpid: 4711 1\n", false)]
    [InlineData("", false)]
    public void The_first_process_of_a_container_has_number_one_a_level_below(string text, bool expected) =>
        Assert.Equal(expected, ProcFiles.IsInit(Encoding.ASCII.GetBytes(text)));

    [Fact]
    public void Mounts_are_those_with_blocks_of_their_own_and_each_once()
    {
        const string Text = """
            /dev/mapper/pve-root / ext4 rw 0 0
            udev /dev devtmpfs rw 0 0
            tmpfs /run tmpfs rw 0 0
            /dev/sda2 /boot/efi vfat rw 0 0
            rpool/data/subvol-100-disk-0 /rpool/data/subvol-100-disk-0 zfs rw 0 0
            /dev/mapper/pve-root /srv/bind ext4 rw 0 0
            /dev/fuse /etc/pve fuse rw 0 0
            nas:/export /mnt/pve/nas nfs4 rw 0 0
            //nas/share /mnt/pve/smb cifs rw 0 0
            me@host:/x /mnt/x fuse.sshfs rw 0 0
            /dev/loop3 /snap/core squashfs ro 0 0
            /dev/sdb1 /mnt/with\040blank\134 xfs rw 0 0
            overlay /var/lib/docker/overlay2/x/merged overlay rw 0 0
            cgroup2 /sys/fs/cgroup cgroup2 rw 0 0
            /dev/sdc1 relative ext4 rw 0 0
            /dev/sdd1
            """;
        Assert.Equal(
            [("/", "ext4"), ("/boot/efi", "vfat"), ("/rpool/data/subvol-100-disk-0", "zfs"), (@"/mnt/with blank\", "xfs")],
            ProcFiles.Mounts(Encoding.ASCII.GetBytes(Text)));
        Assert.Equal([("/", "overlay")], ProcFiles.Mounts("overlay / overlay rw 0 0\n"u8)); // a machine that is a container
    }

    [Fact]
    public void A_list_of_mounts_has_an_end()
    {
        var text = new StringBuilder();
        for (var i = 0; i < 5000; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"/dev/x{i} /mnt/{i} ext4 rw 0 0\n");
        }

        Assert.Equal(1000, ProcFiles.Mounts(Encoding.ASCII.GetBytes(text.ToString())).Count);
        Assert.Empty(ProcFiles.Mounts(Encoding.ASCII.GetBytes($"/dev/x /{new string('x', 10_000_000)} ext4 rw 0 0\n")));
    }

    [Theory]
    [InlineData("  eth0: 1000 1 0 0 0 0 0 0 2000 2 0 0 0 0 0 0", "eth0", 1000L, 2000L)]
    [InlineData("eth0:1000 1 0 0 0 0 0 0 2000 2 0 0 0 0 0 0", "eth0", 1000L, 2000L)] // no blank when the number is long
    [InlineData("eth0:1: 1000 1 0 0 0 0 0 0 2000", "eth0:1", 1000L, 2000L)]
    [InlineData(" face |bytes    packets errs drop fifo frame compressed multicast|bytes", null, 0L, 0L)]
    [InlineData("eth0: 1 2 3", null, 0L, 0L)]
    [InlineData("eth0: -1 1 0 0 0 0 0 0 2000", null, 0L, 0L)]
    [InlineData(": 1000 1 0 0 0 0 0 0 2000", null, 0L, 0L)]
    public void An_interface_has_bytes_in_and_out(string line, string? name, long received, long sent)
    {
        var read = ProcFiles.Interface(Encoding.ASCII.GetBytes(line), out var found, out var incoming, out var outgoing);
        Assert.Equal((name is not null, received, sent), (read, incoming, outgoing));
        if (name is not null)
        {
            Assert.Equal(name, Encoding.ASCII.GetString(found));
        }
    }

    [Theory]
    [InlineData("veth100i0", 100)]
    [InlineData("veth999999999i31", 999999999)]
    [InlineData("tap200i1", 200)]
    [InlineData("vethabc", null)]
    [InlineData("veth100", null)]
    [InlineData("veth100i", null)]
    [InlineData("veth100ix", null)]
    [InlineData("tap9999999999i0", null)]
    [InlineData("fwln100i0", null)]
    [InlineData("", null)]
    public void A_link_to_a_guest_says_which(string name, int? vmid) => Assert.Equal(vmid, NetworkMeter.VmidOf(Encoding.ASCII.GetBytes(name)));

    [Fact]
    public void Any_bytes_are_survived_by_all_of_them() => Some.Garbage.Sample(bytes =>
    {
        ProcFiles.Load(bytes);
        ProcFiles.StartTime(bytes);
        ProcFiles.IsInit(bytes);
        ProcFiles.Interface(bytes, out _, out var received, out var sent);
        Assert.True(received >= 0 && sent >= 0);
        Assert.True(ProcFiles.Processors(bytes) is null or { Busy: >= 0, Idle: >= 0 });
        Assert.True(ProcFiles.Memory(bytes) is null or { UsedBytes: >= 0, TotalBytes: >= 0 });
        Assert.True(ProcFiles.Swap(bytes) is null or { UsedBytes: >= 0, TotalBytes: >= 0 });
        Assert.True(ProcFiles.Uptime(bytes) is null or >= 0);
        Assert.All(ProcFiles.Mounts(bytes), mount => Assert.StartsWith("/", mount.Path, StringComparison.Ordinal));
    });
}

/// <summary>What files may hold instead of what they should.</summary>
public static class Some
{
    public static Gen<byte[]> Garbage { get; } = Gen.OneOf(
        Gen.Byte.Array[0, 300],
        Gen.OneOf(
            "cpu ", "cpu0 ", "MemTotal:", "MemAvailable:", "SwapTotal:", "SwapFree:", "NSpid:", "usage_usec ", "inactive_file ", "total_inactive_file ", "rbytes=",
            "8:0 ", "Read ", "Write ", "Total ", "max", "eth0:", "veth100i0:", "tap200i0:", "/dev/sda1 ", "/ ", "ext4 ", "(x) S ", " ", "\n", "\t", "\\040", "\\9",
            "0", "7", "12345", "-1", "1e309", "NaN", "999999999999999999", "9223372036854775807", "18446744073709551615", "\0", "\u001b", "{", "\"", "ä")
            .Array[0, 80].Select(parts => Encoding.UTF8.GetBytes(string.Concat(parts))));
}
