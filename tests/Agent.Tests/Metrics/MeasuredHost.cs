using System.Globalization;
using System.Text;
using NannyOrleans.Agent.Metrics;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Agent.Tests.Metrics;

/// <summary>A lab host with the kernel's files, and a sampler over it whose clock the test moves.</summary>
public sealed class MeasuredHost : IDisposable
{
    private readonly MetricsSampler sampler;

    public MeasuredHost(bool isProxmox = true)
    {
        Write("proc/stat", "cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 50 0 50 400 0 0 0 0 0 0\ncpu1 50 0 50 400 0 0 0 0 0 0\n");
        Write("proc/meminfo", "MemTotal: 16384 kB\nMemAvailable: 8192 kB\nSwapTotal: 1024 kB\nSwapFree: 1024 kB\n");
        Write("proc/loadavg", "0.50 0.25 0.12 1/100 1234\n");
        Write("proc/uptime", "86400.12 1.0\n");
        Write("proc/mounts", "/dev/sda1 / ext4 rw 0 0\n");
        Write("proc/net/unix", "Num       RefCount Protocol Flags    Type St Inode Path\n");
        Network(("lo", 0, 0), ("eth0", 0, 0));
        Directory.CreateDirectory(At("sys/class/net/eth0/device"));
        Directory.CreateDirectory(At("var/run/qemu-server"));
        Write("etc/pve/.rrd", "pve2-storage/pve1/local:1764000000:2000:500\npve2-storage/pve1/broken:1764000000:U:U\n");
        Write("sys/fs/cgroup/cgroup.controllers", "cpu io memory\n");
        sampler = new(Lab.Host, isProxmox ? NodeName.Parse("pve1") : null, TimeSpan.FromSeconds(30), Clock);
    }

    public LabHost Lab { get; } = new();

    public SteppedClock Clock { get; } = new();

    public string At(string path) => Path.Combine(Lab.Directory, path);

    public void Write(string path, string text) => Lab.Write(path, text);

    /// <summary>The interfaces and the bytes that came and went.</summary>
    public void Network(params (string Name, long In, long Out)[] links)
    {
        var text = new StringBuilder("Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes\n");
        foreach (var (name, received, sent) in links)
        {
            text.Append(CultureInfo.InvariantCulture, $"{name,6}: {received} 1 0 0 0 0 0 0 {sent} 1 0 0 0 0 0 0\n");
        }

        Write("proc/net/dev", text.ToString());
    }

    /// <summary>A container that runs, and what it has used.</summary>
    public void RunningContainer(int vmid, long cpuMicroseconds = 1_000_000, string memoryMax = "4194304", string conf = "hostname: web\nmemory: 8\nswap: 2\n")
    {
        Lab.Container(vmid, conf);
        File.AppendAllText(At("proc/net/unix"), $"0000000000000001: 00000002 00000000 00010000 0001 01 1 @{Lab.Directory}/var/lib/lxc/{vmid}/command\n");
        var group = $"sys/fs/cgroup/lxc/{vmid}";
        Write($"{group}/cpu.stat", $"usage_usec {cpuMicroseconds}\n");
        Write($"{group}/memory.current", "2097152\n");
        Write($"{group}/memory.stat", "inactive_file 1048576\n");
        Write($"{group}/memory.max", memoryMax + "\n");
        Write($"{group}/memory.swap.current", "4096\n");
        Write($"{group}/memory.swap.max", "max\n");
        Write($"{group}/io.stat", "");
    }

    public async Task<NodeMetrics> Sample(double secondsLater = 10)
    {
        Clock.Advance(secondsLater);
        var sample = await sampler.Sample(default).Within("a sample");
        Assert.True(sample.IsSound());
        return sample;
    }

    public void Dispose() => Lab.Dispose();
}
