using NannyOrleans.Lab.Commands;

namespace NannyOrleans.Lab.Verbs;

/// <summary>Lays out a host's private root: what an agent is pointed at.</summary>
internal static class HostRoot
{
    private const string Kernel = "6.17.4-1-pve";

    /// <summary>Makes or renews all files of a host that do not depend on its state.</summary>
    public static void Lay(LabDirectory directory, PlannedHost host)
    {
        var root = directory.Host(host.Name);
        foreach (var folder in new[] { "etc", "proc/sys/kernel/random", "usr/sbin", "usr/bin", "run/lock/lxc", "var/lib/pve-cluster" })
        {
            Directory.CreateDirectory($"{root}/{folder}");
        }

        LabDirectory.Replace($"{root}/etc/hostname", host.Name + "\n", LabDirectory.Readable);
        LabDirectory.Replace($"{root}/etc/hosts", $"127.0.0.1 localhost\n{host.Ip} {host.Name}.lab.invalid {host.Name}\n", LabDirectory.Readable);
        LabDirectory.Replace($"{root}/etc/debian_version", "13.1\n", LabDirectory.Readable);
        LabDirectory.Replace($"{root}/etc/os-release", """
            PRETTY_NAME="Debian GNU/Linux 13 (trixie)"
            NAME="Debian GNU/Linux"
            VERSION_ID="13"
            VERSION="13 (trixie)"
            VERSION_CODENAME=trixie
            DEBIAN_VERSION_FULL=13.1
            ID=debian
            HOME_URL="https://www.debian.org/"
            SUPPORT_URL="https://www.debian.org/support"
            BUG_REPORT_URL="https://bugs.debian.org/"

            """, LabDirectory.Readable);
        LabDirectory.Replace($"{root}/proc/sys/kernel/osrelease", Kernel + "\n", LabDirectory.Readable);
        foreach (var program in new[] { "sbin/pct", "sbin/qm", "bin/pveversion" })
        {
            LabDirectory.Replace($"{root}/usr/{program}", Wrapper(directory, host.Name, Path.GetFileName(program)), Guests.SimulatedGuests.Executable);
        }
    }

    /// <summary>
    /// A host's command. It names the runtime's own program, so no variable has to be set that a container would inherit; the
    /// diagnostics one is taken away again before an exec: with diagnostics on, each `pct exec` would leave a socket in /tmp. A standard stream that the caller closed would become one of the runtime's own
    /// files, and lxc-attach fails without one.
    /// </summary>
    private static string Wrapper(LabDirectory directory, string host, string program) => $"""
        #!/bin/sh
        [ -e /proc/self/fd/0 ] || exec </dev/null
        [ -e /proc/self/fd/1 ] || exec >/dev/null
        [ -e /proc/self/fd/2 ] || exec 2>/dev/null
        export DOTNET_EnableDiagnostics=0
        exec {string.Join(' ', Self().Select(Quote))} {PveCommand.Marker} "$(ulimit -Sn)" {Quote(directory.Path)} {host} {program} "$@"

        """;

    private static string[] Self()
    {
        var assembly = typeof(HostRoot).Assembly.Location;
        var runtime = Path.GetFullPath($"{Path.GetDirectoryName(typeof(object).Assembly.Location)}/../../../dotnet");
        return assembly.Length > 0 && File.Exists(runtime) ? [runtime, assembly] : [Environment.ProcessPath!];
    }

    private static string Quote(string word) => $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
