using System.Globalization;
using System.Text;
using CliWrap;
using CliWrap.Buffered;
using NannyOrleans.Lab.Commands;
using NannyOrleans.Lab.Linux;

namespace NannyOrleans.Lab.Guests;

/// <summary>Real containers of LXC, in a lxcpath of the lab's own, so that two labs can have the same vmids.</summary>
internal sealed class Containers(LabDirectory directory) : IGuests
{
    private const string ControlGroups = "/sys/fs/cgroup";

    /// <summary>As Proxmox VE looks: a container that runs has a command socket, and reading their list starts no process.</summary>
    public IReadOnlySet<int> Running()
    {
        var running = new HashSet<int>();
        var start = $" @{directory.Lxc}/";
        foreach (var line in File.ReadLines("/proc/net/unix"))
        {
            var at = line.IndexOf(start, StringComparison.Ordinal);
            if (at < 0 || !line.EndsWith("/command", StringComparison.Ordinal)) { continue; }
            var name = line.AsSpan(at + start.Length);
            if (int.TryParse(name[..^"/command".Length], CultureInfo.InvariantCulture, out var vmid)) { running.Add(vmid); }
        }

        return running;
    }

    public string? Start(int vmid)
    {
        // The log goes to a file: a container's monitor outlives this process, and a pipe it held would keep its reader waiting.
        var log = $"{directory.Container(vmid)}/start.log";
        File.Delete(log);
        var started = Run("lxc-start", "-P", directory.Lxc, "-n", Text(vmid), "-o", log, "-l", "ERROR");
        // A start that a killed `up` left under way may have come first: then this one fails, and the container runs.
        return started.ExitCode is 0 || Running().Contains(vmid) ? null : File.Exists(log) ? File.ReadAllText(log) : started.StandardError;
    }

    public void Kill(int vmid) => Run("lxc-stop", "-P", directory.Lxc, "-n", Text(vmid), "--kill");

    public bool Shutdown(int vmid, TimeSpan timeout) =>
        Run("lxc-stop", "-P", directory.Lxc, "-n", Text(vmid), "--nokill", "--timeout", timeout.TotalSeconds.ToString("0", CultureInfo.InvariantCulture)).ExitCode is 0;

    public Answer Attach(int vmid, bool keepEnvironment, IReadOnlyList<byte[]> command)
    {
        string[] words = ["lxc-attach", "-P", directory.Lxc, "-n", Text(vmid), keepEnvironment ? "--keep-env" : "--clear-env", "--"];
        return new Answer.Becomes(
            Programs.Find("lxc-attach")!,
            [.. words.Select(Encoding.UTF8.GetBytes), .. command],
            [
                new("PATH", "/sbin:/bin:/usr/sbin:/usr/bin"),
                // Proxmox VE drops these two: they name the host's files.
                new("SSL_CERT_FILE", null), new("SSL_CERT_DIR", null),
            ],
            WorkingDirectory: null);
    }

    public void Make(PlannedGuest guest, string baseDirectory)
    {
        var container = directory.Container(guest.Vmid);
        // LXC keeps overlayfs' work directory beside the upper one; both must be on one file system.
        Directory.CreateDirectory($"{container}/upper/etc");
        if (!File.Exists($"{container}/upper/etc/hostname")) { File.WriteAllText($"{container}/upper/etc/hostname", guest.Name + "\n"); }
        // TERM as in the configuration Proxmox VE generates: `pct exec --keep-env 0` shows it.
        LabDirectory.Replace($"{container}/config", $"""
            lxc.uts.name = {guest.Name}
            lxc.rootfs.path = overlay:{baseDirectory}:{container}/upper
            lxc.net.0.type = empty
            lxc.apparmor.profile = unconfined
            lxc.mount.auto = proc:mixed sys:mixed
            lxc.cgroup.dir = {directory.Tag}/{guest.Vmid}
            lxc.pty.max = 1024
            lxc.environment = TERM=linux
            lxc.init.cmd = /usr/bin/tini -- /bin/sleep infinity

            """);
    }

    public void Reset(PlannedGuest guest, string baseDirectory)
    {
        foreach (var part in new[] { "upper", "olwork" })
        {
            var path = $"{directory.Container(guest.Vmid)}/{part}";
            if (Directory.Exists(path)) { Directory.Delete(path, recursive: true); }
        }

        Make(guest, baseDirectory);
    }

    public void Clear()
    {
        // Monitors and starts that a killed `up` left behind come first: they could make what is removed below anew.
        for (var round = 0; round < 50; round++)
        {
            var ours = Ours();
            if (ours.Count is 0) { break; }
            foreach (var pid in ours) { Native.SendSignal(pid, Native.SigKill); }
            Thread.Sleep(20);
        }

        RemoveControlGroups();
    }

    /// <summary>Processes of this lab: members of its control groups, LXC's monitors and tools working in its lxcpath.</summary>
    private List<int> Ours()
    {
        var pids = new HashSet<int>();
        foreach (var group in Groups())
        {
            foreach (var line in ReadLines($"{group}/cgroup.procs"))
            {
                // 0 is a process of another pid namespace: it ends with its monitor.
                if (int.TryParse(line, CultureInfo.InvariantCulture, out var pid) && pid > 0) { pids.Add(pid); }
            }
        }

        foreach (var process in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(process), CultureInfo.InvariantCulture, out var pid)) { continue; }
            var words = string.Join('\n', ReadLines($"{process}/cmdline")).Split('\0');
            if (words[0].StartsWith($"[lxc monitor] {directory.Lxc} ", StringComparison.Ordinal)
                || (Path.GetFileName(words[0]).StartsWith("lxc-", StringComparison.Ordinal) && words.Contains(directory.Lxc)))
            {
                pids.Add(pid);
            }
        }

        return [.. pids];
    }

    private void RemoveControlGroups()
    {
        for (var round = 0; ; round++)
        {
            var left = Groups().OrderByDescending(g => g.Length).Where(group => !Removed(group)).ToList();
            if (left.Count is 0) { return; }
            if (round == 100) { throw new LabFailure($"cannot remove control group {left[0]}: does a process live in it?"); }
            Thread.Sleep(20); // a killed process leaves its group a moment later
        }
    }

    private static bool Removed(string group)
    {
        try
        {
            Directory.Delete(group);
            return true;
        }
        catch (IOException)
        {
            return !Directory.Exists(group);
        }
    }

    private List<string> Groups()
    {
        var groups = new List<string>();
        if (!Directory.Exists(ControlGroups)) { return groups; }
        // One hierarchy lies at the top (version 2), several below it (version 1): both places are looked at.
        foreach (var top in Directory.EnumerateDirectories(ControlGroups).Append(ControlGroups))
        {
            var own = $"{top}/{directory.Tag}";
            if (!Directory.Exists(own)) { continue; }
            groups.Add(own);
            groups.AddRange(Directory.EnumerateDirectories(own, "*", SearchOption.AllDirectories));
        }

        return groups;
    }

    private static IEnumerable<string> ReadLines(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return []; // the process is gone
        }
    }

    private static BufferedCommandResult Run(string program, params string[] arguments) => Cli.Wrap(Programs.Find(program)!)
        .WithArguments(arguments).WithValidation(CommandResultValidation.None).ExecuteBufferedAsync().Task.GetAwaiter().GetResult();

    private static string Text(int vmid) => vmid.ToString(CultureInfo.InvariantCulture);
}
