using CliWrap;
using CliWrap.Buffered;
using NannyOrleans.Lab.Base;
using NannyOrleans.Lab.Linux;

namespace NannyOrleans.Lab.Hosts;

/// <summary>
/// The root file systems in which a host's own jobs run: a container for each host, with the host's directories of etc, var, boot and run in it.
/// Made when the first job comes. They live in a lxcpath of their own and are no guests.
/// </summary>
internal sealed class HostSystems(LabDirectory directory, LabPlan plan)
{
    private static readonly string[] Shared = ["etc", "var", "boot", "run"];

    /// <summary>Makes and starts the host's system where it is not there yet.</summary>
    public void Enter(string host)
    {
        using var held = LockFile.Take($"{Folder(host)}.lock", TimeSpan.FromMinutes(15)) ?? throw new LabFailure($"somebody else has been starting {host}'s system for a quarter of an hour");
        var state = directory.ReadHosts(plan).Single(h => h.Name == host);
        if (!state.IsOn) { throw new LabFailure($"host {host} is switched off, nothing runs on it"); }
        if (IsRunning(host, state.BootId)) { return; }
        Kill(host);
        var layer = Make(host);
        Directory.CreateDirectory($"{Folder(host)}/upper");
        LabDirectory.Replace($"{Folder(host)}/config", Config(host, layer));
        var log = $"{Folder(host)}/start.log";
        File.Delete(log);
        var started = Run("lxc-start", "-P", directory.Roots, "-n", host, "-o", log, "-l", "ERROR");
        if (started.ExitCode is not 0) { throw new LabFailure($"{host}'s system did not start: {(File.Exists(log) ? File.ReadAllText(log) : started.StandardError).Trim()}"); }
        LabDirectory.Replace($"{Folder(host)}/boot", state.BootId + "\n");
    }

    /// <summary>Ends all that runs in the host's system at once.</summary>
    public void Kill(string host)
    {
        if (!Directory.Exists(Folder(host))) { return; }
        File.Delete($"{Folder(host)}/boot");
        if (Socket(host)) { _ = Run("lxc-stop", "-P", directory.Roots, "-n", host, "--kill"); }
    }

    /// <summary>Throws away what jobs changed: the next one finds the host as new.</summary>
    public void Reset(string host)
    {
        Kill(host);
        if (!Directory.Exists(Folder(host))) { return; }
        Directory.Delete(Folder(host), recursive: true);
        var root = directory.Host(host);
        foreach (var part in new[] { "boot", "var/lib/dpkg", "var/lib/apt", "var/cache/apt", "var/log/apt", "var/lib/pve-manager", "etc/apt", "etc/kernel" })
        {
            if (Directory.Exists($"{root}/{part}")) { Directory.Delete($"{root}/{part}", recursive: true); }
        }

        File.Delete($"{root}/proc/sys/kernel/osrelease");
        HostFiles.Lay(root, plan.Hosts.Single(h => h.Name == host));
    }

    /// <summary>Whether jobs have a system of the host to run in. Until then its files are those that were laid.</summary>
    public bool IsMade(string host) => File.Exists($"{Folder(host)}/made");

    /// <summary>Runs a short program in the host's system.</summary>
    public BufferedCommandResult Inside(string host, params string[] command)
    {
        Enter(host);
        return Run("lxc-attach", ["-P", directory.Roots, "-n", host, "--clear-env", "--", .. command]);
    }

    /// <summary>The kernel the host boots next: a pinned one, for once or for good, else the newest in /boot.</summary>
    public void BootKernel(string host)
    {
        var root = directory.Host(host);
        if (!Directory.Exists($"{root}/boot")) { return; }
        string? pinned = null;
        foreach (var pin in new[] { "etc/kernel/next-boot-pin", "etc/kernel/proxmox-boot-pin" })
        {
            var wanted = File.Exists($"{root}/{pin}") ? File.ReadAllText($"{root}/{pin}").Trim() : "";
            if (wanted.Length > 0 && File.Exists($"{root}/boot/vmlinuz-{wanted}")) { pinned ??= wanted; }
        }

        if (Directory.Exists($"{root}/etc/kernel")) { File.Delete($"{root}/etc/kernel/next-boot-pin"); } // good for one boot
        var newest = Directory.EnumerateFiles(root + "/boot", "vmlinuz-*-pve").Select(f => Path.GetFileName(f)["vmlinuz-".Length..])
            .OrderBy(release => string.Join('.', release.Split('.', '-').Select(part => part.PadLeft(8, '0'))), StringComparer.Ordinal).LastOrDefault();
        if ((pinned ?? newest) is not { } kernel || File.ReadAllText($"{root}/proc/sys/kernel/osrelease").Trim() == kernel) { return; }
        LabDirectory.Replace($"{root}/proc/sys/kernel/osrelease", kernel + "\n", LabDirectory.Readable);
        LabDirectory.Replace($"{root}/proc/sys/kernel/version", $"#1 SMP PREEMPT_DYNAMIC PMX {kernel[..^"-pve".Length]}\n", LabDirectory.Readable);
    }

    private string Folder(string host) => $"{directory.Roots}/{host}";

    private bool IsRunning(string host, string bootId) =>
        File.Exists($"{Folder(host)}/boot") && File.ReadAllText($"{Folder(host)}/boot").Trim() == bootId && Socket(host);

    private bool Socket(string host) => File.ReadLines("/proc/net/unix").Any(line => line.EndsWith($" @{directory.Roots}/{host}/command", StringComparison.Ordinal));

    /// <summary>The layer below, and the host's own directories filled from it. What is there already stays, but for dpkg's database: now it is a real one.</summary>
    private string Make(string host)
    {
        var planned = plan.Hosts.Single(h => h.Name == host);
        var layer = new HostLayer(plan.Base).Ready(PveRelease.Of(planned.Release));
        if (IsMade(host)) { return layer; }
        var root = directory.Host(host);
        Directory.CreateDirectory(Folder(host));
        // apt would fail on the lists that stand there for a file's age.
        if (Directory.Exists($"{root}/var/lib/apt/lists")) { Directory.Delete($"{root}/var/lib/apt/lists", recursive: true); }
        File.Delete($"{root}/var/cache/apt/pkgcache.bin");
        foreach (var part in new[] { "etc", "var", "boot" })
        {
            var copied = Run("cp", "-a", "--no-clobber", $"{layer}/own/{part}/.", $"{root}/{part}/");
            if (copied.ExitCode is not 0) { throw new LabFailure($"cannot copy {part} for {host}: {copied.StandardError.Trim()}"); }
        }

        File.Copy($"{layer}/own/var/lib/dpkg/status", $"{root}/var/lib/dpkg/status", overwrite: true);
        File.WriteAllText($"{Folder(host)}/made", "");
        return layer;
    }

    private string Config(string host, string layer)
    {
        var root = directory.Host(host);
        return string.Concat(
        [
            $"lxc.uts.name = {host}\n", $"lxc.rootfs.path = overlay:{layer}/upper:{plan.Base}:{Folder(host)}/upper\n", "lxc.apparmor.profile = unconfined\n",
            "lxc.mount.auto = proc:mixed sys:mixed\n", "lxc.net.0.type = empty\n", "lxc.pty.max = 1024\n",
            $"lxc.cgroup.dir.container = {directory.Tag}/roots/{host}\n", "lxc.cgroup.dir.container.inner = ns\n",
            $"lxc.cgroup.dir.monitor = {directory.Tag}/roots.monitor/{host}\n", "lxc.init.cmd = /usr/bin/tini -- /bin/sleep infinity\n",
            .. Shared.Select(part => $"lxc.mount.entry = {root}/{part} {part} none rbind,create=dir 0 0\n"),
            .. new[] { "osrelease", "random/boot_id" }.Select(file => $"lxc.mount.entry = {root}/proc/sys/kernel/{file} proc/sys/kernel/{file} none bind 0 0\n"),
        ]);
    }

    private static BufferedCommandResult Run(string program, params string[] arguments) => Cli.Wrap(Programs.Need(program, "lxc"))
        .WithArguments(arguments).WithWorkingDirectory("/").WithValidation(CommandResultValidation.None).ExecuteBufferedAsync().Task.GetAwaiter().GetResult();
}
