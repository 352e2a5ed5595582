using System.Diagnostics;
using NannyOrleans.Agent.Metrics;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Metrics;
using NannyOrleans.Tests.Support;

namespace NannyOrleans.Agent.Tests.Metrics;

/// <summary>Real containers of a lab, measured the way those of a Proxmox VE host are: chosen by the root directory and by nothing else.</summary>
public sealed class LabContainerTests : IAsyncLifetime
{
    private const int Busy = 100;
    private const int Idle = 101;
    private const int Stopped = 102;
    private readonly string directory = Directory.CreateTempSubdirectory("nannyagent-lab-").FullName;
    private bool isUp;

    public async ValueTask InitializeAsync()
    {
        if (Environment.IsPrivilegedProcess && File.Exists("/usr/bin/lxc-start"))
        {
            await Verb("up", "--hosts", "1", "--containers", "2", "--stopped", "1");
            isUp = true;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (isUp)
        {
            await Verb("down");
        }

        Directory.Delete(directory, recursive: true);
    }

    [Fact]
    public async Task A_busy_container_shows_more_processor_time_than_an_idle_one()
    {
        Assert.SkipUnless(isUp, "Real containers need root and the Debian package lxc.");
        var sampler = new MetricsSampler(new($"{directory}/lab/hosts/pve1", "/usr/bin:/bin"), NodeName.Parse("pve1"), TimeSpan.FromSeconds(30), TimeProvider.System);
        var first = await sampler.Sample(default);
        Assert.Equal(
            [(Busy, GuestStatus.Running), (Idle, GuestStatus.Running), (Stopped, GuestStatus.Stopped)],
            first.Guests!.Where(guest => guest.Type is GuestType.Lxc).Select(guest => (guest.Vmid.Value, guest.Status)));
        Assert.True(first.IsSound());
        Assert.True(first.Quorate);
        Assert.NotEmpty(first.Storages!);
        foreach (var guest in first.Guests!.Take(2))
        {
            Assert.InRange(guest.Memory!.UsedBytes, 1, guest.Memory.TotalBytes);
            Assert.Equal(512L * 1024 * 1024, guest.Memory.TotalBytes); // as its conf has it
            Assert.InRange(guest.Disk!.UsedBytes, 1, guest.Disk.TotalBytes);
        }

        using var loop = Process.Start("lxc-attach", ["-P", $"{directory}/lab/lxc", "-n", $"{Busy}", "--", "sh", "-c", "while :; do :; done"]);
        try
        {
            // The loop may wait for a processor like everybody else here: what counts is which of the two had more of them.
            NodeMetrics? seen = null;
            await Eventually.Until(
                () => (seen = sampler.Sample(default).GetAwaiter().GetResult()).Guests is [{ CpuCores: > 0.1 }, { CpuCores: not null }, ..] && seen.CpuPercent is not null,
                "the busy loop to show");
            var (busy, idle) = (seen!.Guests![0].CpuCores, seen.Guests![1].CpuCores);
            Assert.True(busy > 2 * idle, $"The busy container used {busy} processors, the idle one {idle}.");
            Assert.InRange(seen.CpuPercent!.Value, 0, 100);
        }
        finally
        {
            loop.Kill();
            await loop.WaitForExitAsync();
        }
    }

    private async Task Verb(params string[] arguments)
    {
        using var lab = Process.Start(new ProcessStartInfo(BuiltProgram.Of("Lab"), [.. arguments, "--dir", $"{directory}/lab"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (output, error) = (lab.StandardOutput.ReadToEndAsync(), lab.StandardError.ReadToEndAsync());
        await lab.WaitForExitAsync();
        Assert.True(lab.ExitCode is 0, await output + await error);
    }
}
