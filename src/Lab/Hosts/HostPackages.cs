using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using NannyOrleans.Lab.Commands;

namespace NannyOrleans.Lab.Hosts;

/// <summary>What dpkg says is installed on a host, and which updates Proxmox VE found for it.</summary>
internal static class HostPackages
{
    /// <summary>/var/lib/dpkg/status: the Proxmox VE stack, two kernels, and one kernel of which only the configuration is left.</summary>
    public static string DpkgStatus(PveRelease release)
    {
        var text = new StringBuilder();
        foreach (var (name, version, title) in Installed(release)) { Entry(text, name, version, "install ok installed", title); }
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

    private static JsonNode Row(string package, string old, string version, string origin, string title, string section, string architecture) => PerlJson.Object(
        ("Arch", architecture), ("Description", $"This package contains {package} of the lab."), ("OldVersion", old), ("Origin", origin),
        ("Package", package), ("Priority", "optional"), ("Section", section), ("Title", title), ("Version", version));

    private static IEnumerable<(string Name, string Version, string Title)> Installed(PveRelease release)
    {
        yield return ("base-files", release.DebianPoint, "Debian base system miscellaneous files");
        yield return ("libc6", "2.36-9", "GNU C Library: Shared libraries");
        yield return ("proxmox-ve", $"{release.Major}.{release.Name[2..]}.0", "Proxmox Virtual Environment");
        yield return ("pve-manager", release.Manager, "Proxmox Virtual Environment Management Tools");
        yield return ("pve-container", release.Container, "Proxmox VE Container management tool");
        yield return ("pve-ha-manager", release.HaManager, "Proxmox VE HA Manager");
        foreach (var kernel in new[] { release.Kernel, release.OlderKernel })
        {
            yield return (release.KernelPackage(kernel), kernel[..^"-pve".Length], "Proxmox Kernel Image");
        }

        yield return (release.KernelSeries, release.Kernel[..^"-pve".Length], "Latest Proxmox Kernel Image");
    }

    /// <summary>Several lines of description, since a reader that takes each line for a field must fail here.</summary>
    private static void Entry(StringBuilder text, string name, string version, string status, string title) => text.Append(CultureInfo.InvariantCulture,
        $"Package: {name}\nStatus: {status}\nPriority: optional\nSection: admin\nInstalled-Size: 1024\nMaintainer: Proxmox Support Team <support@example.invalid>\nArchitecture: amd64\nVersion: {version}\nDescription: {title}\n This package stands in the lab for the one of the same name.\n .\n Package: of this line is no field.\n\n");

    private static string NextOf(string version)
    {
        var at = version.LastIndexOfAny(['.', '-']) + 1;
        return string.Create(CultureInfo.InvariantCulture, $"{version[..at]}{int.Parse(version[at..], CultureInfo.InvariantCulture) + 1}");
    }
}
