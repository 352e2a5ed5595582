using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using NannyOrleans.Lab.Commands;

namespace NannyOrleans.Lab.Hosts;

/// <summary>One version of a package of Proxmox VE.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Version">Its version.</param>
/// <param name="IsInstalled">From the start; else it waits in the repository.</param>
/// <param name="Depends">As in its control file.</param>
/// <param name="Title">First line of its description.</param>
/// <param name="Kernel">The release of the kernel it ships; empty for all others.</param>
public sealed record HostPackage(string Name, string Version, bool IsInstalled, string Depends, string Title, string Kernel);

/// <summary>What dpkg says is installed on a host, and which updates Proxmox VE found for it.</summary>
internal static class HostPackages
{
    /// <summary>/var/lib/dpkg/status: the Proxmox VE stack, two kernels, and one kernel of which only the configuration is left.</summary>
    public static string DpkgStatus(PveRelease release)
    {
        var text = new StringBuilder();
        foreach (var (name, version, title) in Installed(release)) { Entry(text, name, version, "install ok installed", title); }
        return text.Append(Removed(release)).ToString();
    }

    /// <summary>A kernel that was removed and left its configuration: dpkg still knows it, and it is not installed.</summary>
    public static string Removed(PveRelease release)
    {
        var text = new StringBuilder();
        Entry(text, release.KernelPackage("5.13.19-2-pve"), "5.13.19-4", "deinstall ok config-files", "Proxmox Kernel Image (removed)");
        return text.ToString();
    }

    /// <summary>/var/lib/pve-manager/pkgupdates: rows as `pvesh get /nodes/N/apt/update` gives them.</summary>
    public static string Updates(PveRelease release)
    {
        var rows = new JsonArray(
            Row("pve-manager", release.Manager, NextOf(release.Manager), "Proxmox", "Proxmox Virtual Environment Management Tools", "admin", "all"),
            Row("pve-container", release.Container, NextOf(release.Container), "Proxmox", "Proxmox VE Container management tool", "perl", "all"),
            Row("libc6", "2.36-9", "2.36-10", "Debian", "GNU C Library: Shared libraries", "libs", "amd64"));
        return PerlJson.Line(rows);
    }

    /// <summary>One row of apt/update.</summary>
    public static JsonNode Row(string package, string old, string version, string origin, string title, string section, string architecture) => PerlJson.Object(
        ("Arch", architecture), ("Description", $"This package contains {package} of the lab."), ("OldVersion", old), ("Origin", origin),
        ("Package", package), ("Priority", "optional"), ("Section", section), ("Title", title), ("Version", version));

    private static IEnumerable<(string Name, string Version, string Title)> Installed(PveRelease release)
    {
        yield return ("base-files", release.DebianPoint, "Debian base system miscellaneous files");
        yield return ("libc6", "2.36-9", "GNU C Library: Shared libraries");
        foreach (var package in Proxmox(release).Where(p => p.IsInstalled)) { yield return (package.Name, package.Version, package.Title); }
    }

    /// <summary>Proxmox VE's packages: those installed, and what its repository has newer, a kernel of a new name among it.</summary>
    public static IEnumerable<HostPackage> Proxmox(PveRelease release)
    {
        var next = NextKernel(release);
        var (kernel, newer) = (release.Kernel[..^"-pve".Length], next[..^"-pve".Length]);
        var ve = $"{release.Major}.{release.Name[2..]}.0";
        var meta = release.Major is 7 ? release.KernelSeries : "proxmox-default-kernel";
        foreach (var (name, version, title) in new[]
        {
            ("pve-manager", release.Manager, "Proxmox Virtual Environment Management Tools"),
            ("pve-container", release.Container, "Proxmox VE Container management tool"),
            ("pve-ha-manager", release.HaManager, "Proxmox VE HA Manager"),
            ("qemu-server", $"{release.Major}.2.5", "Qemu Server Tools"),
            ("pve-qemu-kvm", $"{release.Major + 1}.0.2-1", "Full virtualization on x86 hardware"),
        })
        {
            yield return new(name, version, true, "", title, "");
            yield return new(name, NextOf(version), false, "", title, "");
        }

        const string about = "Proxmox Virtual Environment";
        yield return new("proxmox-ve", ve, true, $"pve-manager, qemu-server, {meta}", about, "");
        yield return new("proxmox-ve", NextOf(ve), false, $"pve-manager, qemu-server, {meta}", about, "");
        foreach (var installed in new[] { release.Kernel, release.OlderKernel })
        {
            yield return new(release.KernelPackage(installed), installed[..^"-pve".Length], true, "", "Proxmox Kernel Image", installed);
        }

        yield return new(release.KernelPackage(next), newer, false, "", "Proxmox Kernel Image", next);
        yield return new(release.KernelSeries, kernel, true, release.KernelPackage(release.Kernel), "Latest Proxmox Kernel Image", "");
        yield return new(release.KernelSeries, newer, false, release.KernelPackage(next), "Latest Proxmox Kernel Image", "");
        if (release.Major > 7) { yield return new("proxmox-default-kernel", $"{release.Major - 7}.0.1", true, release.KernelSeries, "Default Proxmox Kernel Image", ""); }
    }

    /// <summary>The kernel that waits in the repository: another ABI of the running one's version.</summary>
    public static string NextKernel(PveRelease release) => NextOf(release.Kernel[..^"-pve".Length]) + "-pve";

    /// <summary>Several lines of description, since a reader that takes each line for a field must fail here.</summary>
    private static void Entry(StringBuilder text, string name, string version, string status, string title) => text.Append(CultureInfo.InvariantCulture,
        $"Package: {name}\nStatus: {status}\nPriority: optional\nSection: admin\nInstalled-Size: 1024\nMaintainer: Proxmox Support Team <support@example.invalid>\nArchitecture: amd64\nVersion: {version}\nDescription: {title}\n This package stands in the lab for the one of the same name.\n .\n Package: of this line is no field.\n\n");

    private static string NextOf(string version)
    {
        var at = version.LastIndexOfAny(['.', '-']) + 1;
        return string.Create(CultureInfo.InvariantCulture, $"{version[..at]}{int.Parse(version[at..], CultureInfo.InvariantCulture) + 1}");
    }
}
