using System.Globalization;
using System.Text;
using CliWrap;
using CliWrap.Buffered;
using NannyOrleans.Lab.Base;
using NannyOrleans.Lab.Commands;
using NannyOrleans.Lab.Linux;

namespace NannyOrleans.Lab.Guests;

/// <summary>Real containers of LXC, in a lxcpath of the lab's own, so that two labs can have the same vmids.</summary>
internal sealed class Containers(LabDirectory directory) : IGuests
{
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

    /// <summary>The container's first process, found by its number in there: faster than asking `lxc-info` for each.</summary>
    public int? InitPid(int vmid) => ControlGroups.Hierarchies().Select(top => $"{top}/{directory.Tag}/lxc/{vmid}/ns").Where(Directory.Exists).Take(1)
        .SelectMany(ControlGroups.Members)
        .Where(pid => Processes.Lines($"/proc/{pid}/status").Any(line => line.StartsWith("NSpid:", StringComparison.Ordinal) && line.Split('\t') is [_, _, "1"]))
        .Select(pid => (int?)pid).FirstOrDefault();

    public string? Start(int vmid, GuestConf conf)
    {
        // The log goes to a file: a container's monitor outlives this process, and a pipe it held would keep its reader waiting.
        var log = $"{directory.Container(vmid)}/start.log";
        var failure = "";
        foreach (var network in Enum.GetValues<ContainerNetwork>())
        {
            if (network is ContainerNetwork.Named && ContainerConfig.NamesTaken(vmid, conf)) { continue; }
            LabDirectory.Replace($"{directory.Container(vmid)}/config", ContainerConfig.Generate(directory, vmid, conf, network));
            File.Delete(log);
            var started = Run("lxc-start", "-P", directory.Lxc, "-n", Text(vmid), "-o", log, "-l", "ERROR");
            if (started.ExitCode is 0) { return null; }
            failure = File.Exists(log) ? File.ReadAllText(log) : started.StandardError;
            if (!failure.Contains("network", StringComparison.Ordinal)) { break; }
            // Its monitor takes a moment to go, and would make the next start fail.
            for (var look = 0; look < 100 && Running().Contains(vmid); look++) { Thread.Sleep(20); }
        }

        // A start that a killed `up` left under way may have come first: then this one fails, and the container runs.
        return Running().Contains(vmid) ? null : failure;
    }

    /// <summary>Stops all of one container's processes, or lets them go on.</summary>
    public static void Freeze(LabDirectory directory, int vmid, bool frozen)
    {
        var ended = Run(frozen ? "lxc-freeze" : "lxc-unfreeze", "-P", directory.Lxc, "-n", Text(vmid));
        if (ended.ExitCode is not 0) { throw new LabFailure($"{vmid}: {ended.StandardError.Trim()}"); }
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
        // Several are laid over each other, the first on top.
        var below = guest.Family is "apt" ? baseDirectory : $"{new FamilyLayer(baseDirectory).Ready(guest.Family)}/upper:{baseDirectory}";
        LabDirectory.Replace($"{container}/base", below);
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

    public void Remove(int vmid)
    {
        if (Directory.Exists(directory.Container(vmid))) { Directory.Delete(directory.Container(vmid), recursive: true); }
    }

    public void Clear()
    {
        ControlGroups.Thaw(directory.Tag);
        // Monitors and starts that a killed `up` left behind come first: they could make what is removed below anew.
        Processes.KillAll(() => ControlGroups.Under(directory.Tag).SelectMany(ControlGroups.Members).Concat(Processes.Find(IsOurs)).Distinct());
        ControlGroups.Remove(directory.Tag);
    }

    /// <summary>LXC's monitors and tools working in this lab's lxcpath.</summary>
    private bool IsOurs(string[] words) => words[0].StartsWith($"[lxc monitor] {directory.Lxc} ", StringComparison.Ordinal)
        || words[0].StartsWith($"[lxc monitor] {directory.Roots} ", StringComparison.Ordinal)
        || (Path.GetFileName(words[0]).StartsWith("lxc-", StringComparison.Ordinal) && (words.Contains(directory.Lxc) || words.Contains(directory.Roots)));

    private static BufferedCommandResult Run(string program, params string[] arguments) => Cli.Wrap(Programs.Find(program)!)
        .WithArguments(arguments).WithValidation(CommandResultValidation.None).ExecuteBufferedAsync().Task.GetAwaiter().GetResult();

    private static string Text(int vmid) => vmid.ToString(CultureInfo.InvariantCulture);
}
