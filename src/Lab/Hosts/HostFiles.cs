using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace NannyOrleans.Lab.Hosts;

/// <summary>The files of Debian and of apt on a host, as its release of Proxmox VE has them.</summary>
internal static class HostFiles
{
    /// <summary>Made only where missing: tests change them, and another `up` must not undo that.</summary>
    public static void Lay(string root, PlannedHost host)
    {
        var release = PveRelease.Of(host.Release);
        Place(root, "etc/hostname", host.Name + "\n");
        Place(root, "etc/hosts", $"127.0.0.1 localhost\n{host.Ip} {host.Name}.lab.invalid {host.Name}\n");
        Place(root, "etc/debian_version", release.DebianPoint + "\n");
        Place(root, "etc/os-release", OsRelease(release));
        Place(root, "etc/machine-id", Digest("machine", host)[..32] + "\n");
        Place(root, "proc/sys/kernel/osrelease", release.Kernel + "\n");
        Place(root, "proc/sys/kernel/version", $"#1 SMP PREEMPT_DYNAMIC PMX {release.Kernel[..^"-pve".Length]}\n");
        var hex = Digest("product", host);
        Place(root, "sys/class/dmi/id/product_uuid", $"{hex[..8]}-{hex[8..12]}-4{hex[13..16]}-8{hex[17..20]}-{hex[20..32]}\n");
        Place(root, "sys/class/net/lo/address", "00:00:00:00:00:00\n");
        foreach (var device in new[] { "eth0", "vmbr0" })
        {
            Place(root, $"sys/class/net/{device}/address", string.Create(CultureInfo.InvariantCulture, $"bc:24:11:ff:00:{host.Id:x2}\n"));
        }

        foreach (var kernel in new[] { release.Kernel, release.OlderKernel }) { Place(root, $"boot/vmlinuz-{kernel}", ""); }
        foreach (var (file, content) in AptSources(release)) { Place(root, file, content); }
        Directory.CreateDirectory($"{root}/var/log/pve/tasks");
        Directory.CreateDirectory($"{root}/etc/apt/sources.list.d");
        Place(root, "var/lib/dpkg/status", HostPackages.DpkgStatus(release));
        // In this order: what Proxmox VE keeps about updates is good while it is newer than what it was made from.
        Place(root, $"var/lib/apt/lists/debian.example.invalid_debian_dists_{release.CodeName}_InRelease", "");
        Place(root, "var/cache/apt/pkgcache.bin", "");
        Place(root, "var/lib/pve-manager/pkgupdates", HostPackages.Updates(release));
    }

    /// <summary>os-release as that Debian has it.</summary>
    public static string OsRelease(PveRelease release) => $"""
        PRETTY_NAME="Debian GNU/Linux {release.Debian} ({release.CodeName})"
        NAME="Debian GNU/Linux"
        VERSION_ID="{release.Debian}"
        VERSION="{release.Debian} ({release.CodeName})"
        VERSION_CODENAME={release.CodeName}
        {(release.Debian > 12 ? $"DEBIAN_VERSION_FULL={release.DebianPoint}\n" : "")}ID=debian
        HOME_URL="https://www.debian.org/"
        SUPPORT_URL="https://www.debian.org/support"
        BUG_REPORT_URL="https://bugs.debian.org/"

        """;

    /// <summary>Debian's own sources and Proxmox's without a subscription; the enterprise one is there and switched off.</summary>
    public static IEnumerable<(string File, string Content)> AptSources(PveRelease release)
    {
        const string debian = "http://debian.example.invalid/debian";
        const string free = "http://download.proxmox.com/debian/pve";
        const string paid = "https://enterprise.proxmox.com/debian/pve";
        var name = release.CodeName;
        if (release.Major < 9)
        {
            yield return ("etc/apt/sources.list", $"deb {debian} {name} main contrib\n\ndeb {debian} {name}-updates main contrib\n\n# security updates\ndeb http://security.example.invalid/debian-security {name}-security main contrib\n");
            yield return ("etc/apt/sources.list.d/pve-enterprise.list", $"# deb {paid} {name} pve-enterprise\n");
            yield return ("etc/apt/sources.list.d/pve-no-subscription.list", $"deb {free} {name} pve-no-subscription\n");
            yield break;
        }

        const string key = "/usr/share/keyrings/proxmox-archive-keyring.gpg";
        yield return ("etc/apt/sources.list.d/debian.sources", $"Types: deb\nURIs: {debian}\nSuites: {name} {name}-updates\nComponents: main contrib non-free-firmware\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\nTypes: deb\nURIs: http://security.example.invalid/debian-security\nSuites: {name}-security\nComponents: main contrib non-free-firmware\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n");
        yield return ("etc/apt/sources.list.d/pve-enterprise.sources", $"Types: deb\nURIs: {paid}\nSuites: {name}\nComponents: pve-enterprise\nSigned-By: {key}\nEnabled: no\n");
        yield return ("etc/apt/sources.list.d/proxmox.sources", $"Types: deb\nURIs: {free}\nSuites: {name}\nComponents: pve-no-subscription\nSigned-By: {key}\n");
    }

    private static void Place(string root, string file, string content)
    {
        var path = $"{root}/{file}";
        if (File.Exists(path)) { return; }
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        LabDirectory.Replace(path, content, LabDirectory.Readable);
    }

    /// <summary>The same for the same host of any lab, and different for each host: as long as the lab lives it stays.</summary>
    private static string Digest(string what, PlannedHost host) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{what} {host.Name} {host.Ip}")));
}
