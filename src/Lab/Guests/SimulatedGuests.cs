using System.Globalization;
using System.Text;
using CliWrap;
using CliWrap.Buffered;
using NannyOrleans.Lab.Commands;
using NannyOrleans.Lab.Linux;

namespace NannyOrleans.Lab.Guests;

/// <summary>
/// Guests that are directories, where no container can run: `pct exec` runs the command on this machine, in the guest's
/// directory, with shims of apt and dpkg before the machine's own programs. <c>attach.sh</c> does it.
/// </summary>
/// <remarks>
/// A script that sets PATH itself would get the machine's own apt. Where users may have name spaces, the shims are therefore
/// mounted over the real programs; and root's lab runs its guests as nobody: a guest must never patch the machine of the person
/// who tries the lab. A process that does nothing stands for the guest's init.
/// </remarks>
internal sealed class SimulatedGuests(LabDirectory directory) : IGuests
{
    private const string Nobody = "65534";

    /// <summary>Who may do all with it, and anyone run it.</summary>
    public const UnixFileMode Executable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private string AttachProgram => $"{directory.Path}/simulated/attach";

    /// <summary>Makes what all simulated guests share. False when shims cannot be mounted over this machine's programs.</summary>
    public bool Prepare()
    {
        Directory.CreateDirectory($"{directory.Path}/guests");
        Directory.CreateDirectory($"{directory.SimulatedGroups}/lxc");
        LabDirectory.Replace(AttachProgram, Resource.Text("attach.sh"), Executable);
        Publish();
        var isolated = Programs.Find("unshare") is { } unshare && Cli.Wrap(Native.IsRoot ? "/usr/bin/setpriv" : unshare)
            .WithArguments(Native.IsRoot ? [.. AsNobody, unshare, .. OwnNameSpace, "true"] : [.. OwnNameSpace, "true"])
            .WithValidation(CommandResultValidation.None).ExecuteBufferedAsync().Task.GetAwaiter().GetResult().ExitCode is 0;
        if (isolated) { File.WriteAllText($"{directory.Path}/guests/isolated", ""); }
        return isolated;
    }

    public IReadOnlySet<int> Running()
    {
        var running = new HashSet<int>();
        foreach (var guest in Directory.EnumerateDirectories($"{directory.Path}/guests"))
        {
            if (int.TryParse(Path.GetFileName(guest), CultureInfo.InvariantCulture, out var vmid) && InitPid(vmid) is not null) { running.Add(vmid); }
        }

        return running;
    }

    public int? InitPid(int vmid) => RunningProcess.Read(RunFile(vmid))?.Pid;

    public string? Start(int vmid, GuestConf conf)
    {
        var guest = directory.SimulatedGuest(vmid);
        var pid = Placeholder.Start($"{guest}/init", "/sbin/init", [$"--guest={guest}"]);
        RunningProcess.Write(RunFile(vmid), pid);
        SimulatedGroup.Write(Group(vmid), pid, long.TryParse(conf["memory"], CultureInfo.InvariantCulture, out var mib) ? $"{mib << 20}" : "max");
        Publish();
        return null;
    }

    public void Kill(int vmid)
    {
        if (InitPid(vmid) is { } pid) { Native.SendSignal(pid, Native.SigKill); }
        File.Delete(RunFile(vmid));
        if (Directory.Exists(Group(vmid))) { Directory.Delete(Group(vmid), recursive: true); }
        Publish();
    }

    public bool Shutdown(int vmid, TimeSpan timeout)
    {
        Kill(vmid);
        return true;
    }

    public Answer Attach(int vmid, bool keepEnvironment, IReadOnlyList<byte[]> command)
    {
        string[] words = [AttachProgram, directory.SimulatedGuest(vmid), vmid.ToString(CultureInfo.InvariantCulture), keepEnvironment ? "keep" : "clear"];
        return new Answer.Becomes(AttachProgram, [.. words.Select(Encoding.UTF8.GetBytes), .. command], [], WorkingDirectory: null);
    }

    public void Make(PlannedGuest guest, string baseDirectory)
    {
        var root = directory.SimulatedGuest(guest.Vmid);
        Directory.CreateDirectory($"{root}/bin");
        Directory.CreateDirectory($"{root}/etc");
        foreach (var name in Resource.Names("shim/"))
        {
            // Each shim says itself whose it is: `env -i` would take the variable away.
            var shim = Resource.Text(name).Replace("#!/bin/sh\n", $"#!/bin/sh\nNANNY_LAB_GUEST='{root}'\n", StringComparison.Ordinal);
            LabDirectory.Replace($"{root}/bin/{name["shim/".Length..]}", shim, Executable);
        }

        File.WriteAllText($"{root}/etc/hostname", guest.Name + "\n");
        File.WriteAllText($"{root}/etc/os-release",
            "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nVERSION=\"12 (bookworm)\"\nVERSION_CODENAME=bookworm\nID=debian\n");
        if (!File.Exists($"{root}/packages"))
        {
            var lines = Base.LocalRepository.Packages.Select(p => $"{p.Name} {p.Installed} {p.Candidate} install\n");
            LabDirectory.Replace($"{root}/packages", string.Concat(lines));
        }

        if (!Native.IsRoot) { return; }
        _ = Cli.Wrap("/bin/chown").WithArguments(["-R", $"{Nobody}:{Nobody}", root]).ExecuteAsync().Task.GetAwaiter().GetResult();
    }

    public void Reset(PlannedGuest guest, string baseDirectory)
    {
        Remove(guest.Vmid);
        Make(guest, baseDirectory);
    }

    public void Remove(int vmid)
    {
        if (Directory.Exists(directory.SimulatedGuest(vmid))) { Directory.Delete(directory.SimulatedGuest(vmid), recursive: true); }
    }

    /// <summary>The processes that stand for guests are the lab's own to end. A command that still runs ends by itself.</summary>
    public void Clear()
    {
    }

    private string RunFile(int vmid) => $"{directory.SimulatedGuest(vmid)}/running";

    private string Group(int vmid) => $"{directory.SimulatedGroups}/lxc/{vmid}";

    /// <summary>The command sockets of what runs, as the kernel would list them: guests start in parallel, and the last one has all.</summary>
    private void Publish()
    {
        using var held = LockFile.Take($"{directory.Path}/simulated/lock", TimeSpan.FromMinutes(1));
        var lines = Running().Order().Select(vmid =>
            $"0000000000000000: 00000002 00000000 00010000 0001 01 {10_000 + vmid} @{directory.Path}/guests/{vmid}/command\n");
        LabDirectory.Replace(directory.SimulatedSockets, "Num       RefCount Protocol Flags    Type St Inode Path\n" + string.Concat(lines), LabDirectory.Readable);
    }

    private static string[] AsNobody => [$"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups", "--"];

    private static string[] OwnNameSpace => ["--user", "--map-root-user", "--mount", "--"];
}
