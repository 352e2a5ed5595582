using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using NannyOrleans.Lab.Commands;

namespace NannyOrleans.Lab.Hosts;

/// <summary>Lays out a host's private root: what an agent is pointed at.</summary>
internal static class HostRoot
{
    private static readonly string[] PvePrograms =
        ["sbin/pct", "sbin/qm", "sbin/ha-manager", "sbin/corosync-quorumtool", "bin/pveversion", "bin/pvesh", "bin/pvecm", "bin/systemctl"];

    /// <summary>Makes or renews all files of a host that do not depend on its state.</summary>
    public static void Lay(LabDirectory directory, LabPlan plan, PlannedHost host)
    {
        var root = directory.Host(host.Name);
        foreach (var folder in new[] { "etc", "proc/sys/kernel/random", "usr/sbin", "usr/bin", "run/lock/lxc", "run/qemu-server", "var/lib/pve-cluster" })
        {
            Directory.CreateDirectory($"{root}/{folder}");
        }

        MachineLinks.Lay(directory, plan, root);
        HostFiles.Lay(root, host);
        string[] ceph = plan.CephHealth is null ? [] : ["bin/ceph"];
        foreach (var program in PvePrograms.Concat(ceph))
        {
            LabDirectory.Replace($"{root}/usr/{program}", Wrapper(directory, host.Name, Path.GetFileName(program)), Guests.SimulatedGuests.Executable);
        }

        var env = Resource.Text(plan.IsSimulated ? "host/env-simulated.sh" : "host/env.sh")
            .Replace("START", Command(directory, host.Name, "system", "</dev/null"), StringComparison.Ordinal)
            .Replace("LAB", Quote(directory.Path), StringComparison.Ordinal)
            .Replace("HOST", host.Name, StringComparison.Ordinal);
        LabDirectory.Replace($"{root}/usr/bin/env", env, Guests.SimulatedGuests.Executable);
        foreach (var tool in new[] { "lxc-attach", "lxc-info" })
        {
            LabDirectory.Replace($"{root}/usr/bin/{tool}", LxcTool(directory, plan, host.Name, tool), Guests.SimulatedGuests.Executable);
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
        exec {Command(directory, host, program, "\"$@\"")}

        """;

    private static string Command(LabDirectory directory, string host, string program, string rest) =>
        $"{string.Join(' ', Self().Select(Quote))} {PveCommand.Marker} \"$(ulimit -Sn)\" {Quote(directory.Path)} {host} {program} {rest}";

    /// <summary>Goes on with a host's command of the lab's own in the background: what asked for it does not wait.</summary>
    public static void Detach(LabDirectory directory, string host, params string[] words)
    {
        // The shell ends at once, and a session of its own keeps the rest from what ends the caller.
        using var started = Shell($"exec setsid {Logged(directory, host, words)} &");
        started.WaitForExit();
    }

    /// <summary>The same as a child whose end can be seen.</summary>
    public static System.Diagnostics.Process Spawn(LabDirectory directory, string host, params string[] words) => Shell($"exec {Logged(directory, host, words)}");

    private static System.Diagnostics.Process Shell(string line) =>
        System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("/bin/sh", ["-c", line]) { WorkingDirectory = "/" })!;

    private static string Logged(LabDirectory directory, string host, string[] words)
    {
        string[] command = [.. Self(), PveCommand.Marker, "0", directory.Path, host, .. words];
        return $"{string.Join(' ', command.Select(Quote))} </dev/null >>{Quote($"{directory.Path}/state/background.log")} 2>&1";
    }

    /// <summary>Shell all through: an agent calls these often, and on a real host they cost 7 ms.</summary>
    private static string LxcTool(LabDirectory directory, LabPlan plan, string host, string tool) =>
        (Resource.Text("host/lxc.sh") + Resource.Text(plan.IsSimulated ? $"host/{tool}-simulated.sh" : "host/lxc-real.sh"))
        .Replace("LAB", Quote(directory.Path), StringComparison.Ordinal)
        .Replace("HOST", host, StringComparison.Ordinal)
        .Replace("TOOL", tool, StringComparison.Ordinal);

    private static string[] Self()
    {
        // What cannot compile while it runs is native, and needs no runtime.
        var runtime = Path.GetFullPath($"{RuntimeEnvironment.GetRuntimeDirectory()}/../../../dotnet");
        return RuntimeFeature.IsDynamicCodeSupported && File.Exists(runtime) ? [runtime, $"{AppContext.BaseDirectory}nanny-lab.dll"] : [Environment.ProcessPath!];
    }

    private static string Quote(string word) => $"'{word.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
