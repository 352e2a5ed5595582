using System.Globalization;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Inventories;

/// <summary>
/// What any Linux machine says about itself in files that never hang, Proxmox VE or not. Not for use from two places at once.
/// </summary>
internal sealed class HostFacts(Host host)
{
    private readonly HostTexts texts = new(host);
    private readonly NetworkFiles network = new();
    private (string? BootId, DateTimeOffset At)? booted;

    /// <summary>All that does not depend on what the machine is for: system, kernel, memory, addresses. Nothing about reboots and packages.</summary>
    public HostSeen Read(List<string> problems)
    {
        var (cores, bootedAt) = FromStat(problems);
        var memory = texts.Read("/proc/meminfo", problems);
        var addresses = network.Addresses(host.At("/proc/net"), out var unknown);
        if (unknown is not null)
        {
            problems.Add(unknown);
        }

        return new()
        {
            Os = (texts.Read("/etc/os-release", problems) ?? texts.Read("/usr/lib/os-release", problems)) is { } os ? OsReleaseFile.Parse(os) : null,
            KernelRunning = texts.Value("/proc/sys/kernel/osrelease", problems),
            BootedAt = bootedAt,
            Cores = cores,
            MemoryBytes = Kibibytes(memory, "MemTotal:"),
            SwapBytes = Kibibytes(memory, "SwapTotal:"),
            Addresses = addresses is { Count: > MostAddresses } ? [.. addresses.Take(MostAddresses)] : addresses,
            PrimaryAddress = addresses is [var first, ..] ? first : null,
            Macs = Macs(problems),
            SmbiosUuid = Uuid(texts.Value("/sys/class/dmi/id/product_uuid", problems)),
        };
    }

    /// <summary>A machine outside Proxmox VE: <see cref="Read"/>, and what can be told of its reboot and packages.</summary>
    public HostSeen ReadMachine(List<string> problems)
    {
        var seen = Read(problems);
        var (required, reason) = Reboot(seen);
        return seen with
        {
            KernelNewest = NewestKernel(seen.KernelRunning),
            RebootRequired = required,
            RebootReason = reason,
            PendingUpdatesProblem = "pending updates are only counted on Proxmox VE hosts",
        };
    }

    /// <summary>Why the distribution wants a reboot, by the file that its packages leave; null when it does not say so. PVE kernels leave none.</summary>
    public string? RebootMarker()
    {
        foreach (var path in (string[])["/run/reboot-required", "/var/run/reboot-required"])
        {
            if (File.Exists(host.At(path)))
            {
                return $"{path} is there";
            }
        }

        return null;
    }

    /// <summary>A uuid in lower case; null when it is none, or one that firmware has instead of none.</summary>
    public static string? Uuid(string? text) =>
        Guid.TryParseExact(text, "D", out var uuid) && uuid != Guid.Empty && uuid != Guid.AllBitsSet ? uuid.ToString("D") : null;

    private (bool? Required, string? Reason) Reboot(HostSeen seen)
    {
        if (seen.Os is not { } os || !(os.Id is "debian" or "ubuntu" || os.IdLike.Contains("debian") || os.IdLike.Contains("ubuntu")))
        {
            return (null, "only Debian and its kin say whether a reboot is needed");
        }

        return (RebootMarker(), seen.KernelRunning, NewestKernel(seen.KernelRunning)) switch
        {
            ({ } marker, _, _) => (true, marker),
            (_, null, _) => (null, "the running kernel is not known"),
            (_, _, null) => (null, "there is no kernel of the running one's kind in /boot to compare with"),
            (_, var running, var newest) when DebianVersion.Order.Compare(newest, running) > 0 => (true, $"{newest} is installed"),
            _ => (false, null),
        };
    }

    // Only kernels of the running one's flavour (amd64, generic, …): another one, or a rescue image, is not what it would boot next.
    private string? NewestKernel(string? running)
    {
        var flavour = running is null ? string.Empty : running[(running.LastIndexOf('-') + 1)..];
        try
        {
            return running is null ? null : Directory.EnumerateFiles(host.At("/boot"), "vmlinuz-*").Select(path => Path.GetFileName(path)["vmlinuz-".Length..])
                .Where(release => release.EndsWith($"-{flavour}", StringComparison.Ordinal) || release == running)
                .Select(release => PlainText.Of(release, 200))
                .Max(DebianVersion.Order);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // the caller says that there is nothing to compare with
        }
    }

    private (int? Cores, DateTimeOffset? BootedAt) FromStat(List<string> problems)
    {
        var (cores, at) = (0, (DateTimeOffset?)null);
        foreach (var line in (texts.Read("/proc/stat", problems) ?? string.Empty).AsSpan().EnumerateLines())
        {
            if (line.StartsWith("cpu") && line.Length > 3 && char.IsAsciiDigit(line[3]))
            {
                cores++;
            }
            else if (line.StartsWith("btime ") && long.TryParse(line[6..], NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds < MostSeconds)
            {
                at = DateTimeOffset.FromUnixTimeSeconds(seconds);
            }
        }

        // The kernel computes it anew each time and it wavers by a second; for one boot the first answer holds, unless the clock was set.
        var boot = host.BootId();
        if (at is { } now && (booted is not { } known || known.BootId != boot || (known.At - now).Duration() > TimeSpan.FromSeconds(5)))
        {
            booted = (boot, now);
        }

        return (cores is 0 ? null : cores, at is null ? null : booted?.At);
    }

    private static long? Kibibytes(string? meminfo, string key)
    {
        foreach (var line in meminfo.AsSpan().EnumerateLines())
        {
            if (line.StartsWith(key) && line.EndsWith(" kB")
                && long.TryParse(line[key.Length..^3].Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= long.MaxValue / 1024)
            {
                return number * 1024;
            }
        }

        return null;
    }

    private List<string>? Macs(List<string> problems)
    {
        var found = new SortedSet<string>(StringComparer.Ordinal);
        var own = new SortedSet<string>(StringComparer.Ordinal);
        try
        {
            foreach (var path in Directory.EnumerateDirectories(host.At("/sys/class/net")))
            {
                var name = Path.GetFileName(path);
                if (!IsGuests(name) && texts.Value($"/sys/class/net/{name}/address", problems)?.ToLowerInvariant() is { } mac && Mac.IsReal(mac))
                {
                    found.Add(mac);
                    if (Directory.Exists(Path.Combine(path, "device")))
                    {
                        own.Add(mac);
                    }
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add(e.Message);
            return null;
        }

        // Bridges and the like mostly repeat the cards'; what software made up says nothing of the machine where there is a card.
        return [.. (own.Count > 0 ? own : found).Take(MostAddresses)];
    }

    // The host's ends of guests' interfaces come and go with them.
    private static bool IsGuests(string name) => name.StartsWith("veth", StringComparison.Ordinal) || name.StartsWith("tap", StringComparison.Ordinal)
        || name.StartsWith("fwbr", StringComparison.Ordinal) || name.StartsWith("fwpr", StringComparison.Ordinal) || name.StartsWith("fwln", StringComparison.Ordinal);

    private const int MostAddresses = 256;
    private const long MostSeconds = 253_402_300_799; // the end of the year 9999
}

/// <summary>Hardware addresses as text.</summary>
internal static class Mac
{
    /// <summary>Whether it is one, in either case.</summary>
    public static bool Is(ReadOnlySpan<char> text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (i % 3 is 2 ? text[i] is not ':' : !char.IsAsciiHexDigit(text[i]))
            {
                return false;
            }
        }

        return text.Length is 17;
    }

    /// <summary>Whether it is one and not that of an interface without.</summary>
    public static bool IsReal(string text) => Is(text) && text is not "00:00:00:00:00:00";
}
