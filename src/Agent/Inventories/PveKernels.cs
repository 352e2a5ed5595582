using System.Text;
using NannyOrleans.Agent.Linux;

namespace NannyOrleans.Agent.Inventories;

/// <summary>
/// Which kernel a Proxmox VE host would boot. Its kernels leave no <c>/run/reboot-required</c>, so they are compared by name. Not for use from
/// two places at once.
/// </summary>
internal sealed class PveKernels(Host host)
{
    private readonly HostTexts texts = new(host);
    private (DateTime Changed, long Length)? known;
    private List<string> installed = [];

    /// <summary>The pinned kernel, else the newest that is installed and has its image in <c>/boot</c>.</summary>
    /// <returns>Its release, and whether it is pinned; else null and why it cannot be told.</returns>
    public (string? Release, bool Pinned, string? Problem) Next(List<string> problems)
    {
        if (Installed() is { } problem)
        {
            return (null, false, problem);
        }

        // A pin for the next boot only goes before a lasting one.
        if ((texts.Value("/etc/kernel/next-boot-pin", problems) ?? texts.Value("/etc/kernel/proxmox-boot-pin", problems)) is { } pin)
        {
            return IsBootable(pin) ? (pin, true, null) : (null, true, $"the kernel {pin} is pinned, but there is no /boot/vmlinuz-{pin}");
        }

        string? newest = null;
        foreach (var release in installed)
        {
            newest = IsBootable(release) && (newest is null || DebianVersion.Order.Compare(release, newest) > 0) ? release : newest;
        }

        return newest is null ? (null, false, "dpkg knows no Proxmox VE kernel that is in /boot") : (newest, false, null);
    }

    /// <summary>The releases of the kernel packages that a dpkg status file has as installed.</summary>
    internal static List<string> ReleasesIn(Stream status)
    {
        // The file has megabytes: nothing of it becomes a string but what is wanted.
        var found = new List<string>();
        var buffer = new byte[64 * 1024];
        var (length, skipping) = (0, false);
        string? release = null;
        while (status.Read(buffer, length, buffer.Length - length) is > 0 and var read)
        {
            length += read;
            var rest = buffer.AsSpan(0, length);
            while (rest.IndexOf((byte)'\n') is >= 0 and var end)
            {
                if (!skipping)
                {
                    Take(rest[..end]);
                }

                skipping = false;
                rest = rest[(end + 1)..];
            }

            skipping |= rest.Length == buffer.Length; // a line that long is none we want
            rest = skipping ? default : rest;
            rest.CopyTo(buffer);
            length = rest.Length;
        }

        return found;

        void Take(ReadOnlySpan<byte> line)
        {
            if (line.StartsWith("Package: "u8))
            {
                release = Release(line["Package: "u8.Length..].Trim(" \r"u8));
            }
            else if (line.StartsWith("Status: "u8) && release is not null && line.TrimEnd(" \r"u8).EndsWith(" installed"u8) && !found.Contains(release))
            {
                found.Add(release);
            }
        }
    }

    // Releases before 8 named them pve-kernel; signed ones have the same release. Meta packages name no release: they do not end in -pve.
    private static string? Release(ReadOnlySpan<byte> package)
    {
        package = package.EndsWith("-signed"u8) ? package[..^"-signed"u8.Length] : package;
        package = package.StartsWith("proxmox-kernel-"u8) ? package["proxmox-kernel-"u8.Length..]
            : package.StartsWith("pve-kernel-"u8) ? package["pve-kernel-"u8.Length..]
            : default;
        return package.Length is > 4 and < 100 && package.EndsWith("-pve"u8) ? PlainText.Of(Encoding.UTF8.GetString(package)) : null;
    }

    private string? Installed()
    {
        var path = host.At("/var/lib/dpkg/status");
        try
        {
            var file = new FileInfo(path);
            var now = (file.LastWriteTimeUtc, file.Length);
            if (known != now)
            {
                using var status = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
                installed = ReleasesIn(status);
                known = now;
            }

            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            known = null;
            return e.Message;
        }
    }

    private bool IsBootable(string release) => !release.Contains('/', StringComparison.Ordinal) && File.Exists(host.At($"/boot/vmlinuz-{release}"));
}
