using System.Globalization;
using NannyOrleans.Protocol.Jobs;
using static NannyOrleans.Agent.Diagnoses.Verdicts;

namespace NannyOrleans.Agent.Diagnoses;

/// <summary>What is concluded from what a system says of itself: a container's, or a machine's own.</summary>
internal static class InsideChecks
{
    /// <summary>All checks, each of them unknown where there was nothing to conclude from.</summary>
    /// <param name="look">What was seen.</param>
    /// <param name="whyNot">Why nobody looked; null when somebody did.</param>
    /// <param name="osType">What its configuration takes it for; null when it has none.</param>
    /// <param name="expectedFamily">The family a person or discovery takes it for; null when none is known.</param>
    public static IReadOnlyList<Check> Of(LookInside look, string? whyNot, string? osType, string? expectedFamily)
    {
        return
        [
            One("os", inside => Os(inside, osType, expectedFamily)),
            One("package-manager", PackageManager),
            One("package-sources", Sources),
            One("network", inside => Network(inside, look)),
            One("disk-space", DiskSpace),
            One("memory", Memory),
            One("package-database", Database),
        ];

        Check One(string name, Func<InsideSeen, Check?> check) => look.Seen is { } inside && whyNot is null && check(inside) is { } found
            ? found
            : Unknown(name, whyNot ?? (look.Problem is { } problem ? $"the look into it is not whole: {problem}" : "it did not say"));
    }

    private static Check? Os(InsideSeen inside, string? osType, string? expectedFamily)
    {
        if (inside.Os is not { } os || inside.PackageTools is null)
        {
            return null;
        }

        var (name, found) = (os.PrettyName ?? os.Id, FamilyOf(inside.PackageTools));
        if (found is null)
        {
            return Problem("os", $"it is {name}, with none of the package managers that can be patched", "Exclude it from patching, or patch it by hand.");
        }

        if (expectedFamily is not null && expectedFamily != found)
        {
            return Problem("os", $"it is {name} of the family '{found}', but is taken for '{expectedFamily}'", $"Correct it: PATCH the guest's platform_family to \"{found}\", or to null to have it found out.");
        }

        return osType is not null && FamilyOfOsType(osType) is { } configured && configured != found
            ? Warning("os", $"it is {name}, but its configuration says ostype {osType}",
                "Correct ostype in the container's configuration: Proxmox VE sets the container up by it at every start. If the family is still taken wrongly, PATCH platform_family.")
            : Ok("os", $"it is {name}, family '{found}'");
    }

    private static Check? PackageManager(InsideSeen inside) => inside.PackageTools switch
    {
        null => null,
        [] => Problem("package-manager", "it has no package manager that is known (apt-get, dnf, yum, zypper, pacman, apk)", "Exclude it from patching; its content is updated another way."),
        var tools => Ok("package-manager", $"it has {Some(tools)}"),
    };

    private static Check? Sources(InsideSeen inside)
    {
        if (inside.Sources is not { } files)
        {
            return null;
        }

        if (files.Where(file => file.Text is null).Select(file => file.Path).ToList() is { Count: > 0 } unread)
        {
            return Problem("package-sources", $"cannot be read: {Some(unread)}", "Give these files back to root, mode 0644.");
        }

        var enabled = files.SelectMany(file => PackageSources.EnabledIn(file.Path, file.Text!)).ToList();
        return enabled.Count is 0
            ? Problem("package-sources", files.Count is 0 ? "no file names a package source" : "no package source is enabled", "Enable the distribution's repositories in it.")
            : Ok("package-sources", $"{enabled.Count.ToString(CultureInfo.InvariantCulture)} enabled{(PackageSources.HostOf(enabled) is { } host ? $", such as one at {host}" : string.Empty)}"); // not the address: it may hold a password
    }

    private static Check? Network(InsideSeen inside, LookInside look) => (inside.HasDefaultRoute, look.LookedUp, look.Resolves) switch
    {
        (null, _, _) => null,
        (false, _, true) => Warning("network", $"there is no default route, though {look.LookedUp} has an address", "Fine if its repositories are in its own network; else give it a gateway."),
        (false, _, _) => Problem("network", "there is no default route: it reaches its own network at most", "Give it a gateway (of a container: net0 … gw=), or look why DHCP gave it none."),
        (true, null, _) => Ok("network", "there is a default route; its package sources name no host to look up"),
        (true, { } name, true) => Ok("network", $"there is a default route, and {name} has an address"),
        (true, { } name, false) => Problem("network", $"the name of its repository, {name}, cannot be resolved", "Look at its /etc/resolv.conf (of a container also at nameserver in its configuration), and whether that server answers."),
        (true, { } name, null) => Unknown("network", $"there is a default route, but it cannot be told whether {name} can be resolved"),
    };

    private static Check? DiskSpace(InsideSeen inside) => inside.FreeKibibytes is not [var root, var var] ? null : Math.Min(root, var) switch
    {
        < NeededKibibytes and var least => Problem("disk-space", $"only {Mebibytes(least)} MiB are free on {(root <= var ? "/" : "/var")}; patching needs {NeededKibibytes / 1024}",
            "Remove what is not needed (package caches, logs, old kernels), or enlarge the disk (of a container: pct resize)."),
        < AmpleKibibytes and var least => Warning("disk-space", $"{Mebibytes(least)} MiB are free on {(root <= var ? "/" : "/var")}", "Enough for small updates only; make room before a large one."),
        var least => Ok("disk-space", $"{Mebibytes(least)} MiB are free"),
    };

    private static Check? Memory(InsideSeen inside) => inside.MemoryKibibytes switch
    {
        null => null,
        < LittleMemoryKibibytes and { } little => Warning("memory", $"only {Mebibytes(little)} MiB of memory can be had", "A package manager may be killed for want of memory; give it more, or stop something."),
        { } some => Ok("memory", $"{Mebibytes(some)} MiB of memory can be had"),
    };

    private static Check? Database(InsideSeen inside) => inside.Database switch
    {
        null => null,
        [] => Ok("package-database", "no package is half-configured"),
        var wrong => Warning("package-database", $"an earlier run was interrupted: {Some(wrong)}",
            inside.PackageTools is [var tool, ..] && Repairs.TryGetValue(tool, out var repair) ? $"The next patch repairs it once; by hand: {repair}" : "Repair it by hand."),
    };

    private static string? FamilyOf(IReadOnlyList<string> tools) => tools.Select(tool => tool switch
    {
        "apt-get" => "debian",
        "dnf" or "yum" => "rhel",
        "zypper" => "suse",
        "pacman" => "arch",
        "apk" => "alpine",
        _ => null,
    }).FirstOrDefault(family => family is not null);

    private static string? FamilyOfOsType(string osType) => osType switch
    {
        "debian" or "ubuntu" or "devuan" => "debian",
        "centos" or "fedora" => "rhel",
        "opensuse" => "suse",
        "archlinux" => "arch",
        "alpine" => "alpine",
        _ => null, // unmanaged and the like say nothing
    };

    private static string Mebibytes(long kibibytes) => (kibibytes / 1024).ToString(CultureInfo.InvariantCulture);

    private static readonly Dictionary<string, string> Repairs = new(StringComparer.Ordinal)
    {
        ["apt-get"] = "dpkg --configure -a && apt-get -f install",
        ["dnf"] = "rpm --rebuilddb",
        ["yum"] = "rpm --rebuilddb",
        ["zypper"] = "rpm --rebuilddb",
        ["pacman"] = "make sure that no pacman runs, then remove /var/lib/pacman/db.lck",
        ["apk"] = "apk fix",
    };

    private const long NeededKibibytes = 50 * 1024;
    private const long AmpleKibibytes = 500 * 1024;
    private const long LittleMemoryKibibytes = 64 * 1024;
}
