using NannyOrleans.Agent.Linux;

namespace NannyOrleans.Agent.Inventories;

/// <summary>Which kernel runs, and which one the next boot should bring. Not for use from two places at once.</summary>
/// <param name="host">The host.</param>
/// <param name="isProxmox">Whether it is a Proxmox VE host; other machines' kernels are compared by their images alone.</param>
internal sealed class BootKernel(Host host, bool isProxmox)
{
    private readonly HostFacts facts = new(host);
    private readonly PveKernels kernels = new(host);
    private readonly HostTexts texts = new(host);

    /// <summary>Looks now.</summary>
    public KernelSeen Look()
    {
        var problems = new List<string>();
        if (!isProxmox)
        {
            var seen = facts.ReadMachine(problems);
            return seen is { KernelRunning: { } current, KernelNewest: { } image }
                ? new(current, image, Pinned: false, DebianVersion.Order.Compare(image, current) > 0, null)
                : new(seen.KernelRunning, null, Pinned: false, null, seen.RebootReason ?? "there is no kernel in /boot to compare with");
        }

        var running = texts.Value("/proc/sys/kernel/osrelease", problems);
        var (next, pinned, unknown) = kernels.Next(problems);
        var (required, _) = PveHostFacts.Reboot(running, next, pinned, unknown, marker: null);
        return new(running, next, pinned, required, required is null ? unknown ?? "the running kernel is not known" : null);
    }
}

/// <summary>What was found.</summary>
/// <param name="Running">The kernel that runs; null when it is not known.</param>
/// <param name="Next">The kernel that should be booted: the pinned one, else the newest that is installed; null when it cannot be told.</param>
/// <param name="Pinned">Whether that one is pinned.</param>
/// <param name="IsBehind">Whether another one than that runs, and not a newer one; null when it cannot be told.</param>
/// <param name="Problem">Why something cannot be told.</param>
internal sealed record KernelSeen(string? Running, string? Next, bool Pinned, bool? IsBehind, string? Problem);
