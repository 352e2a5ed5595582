using System.Globalization;
using System.Text;
using NannyOrleans.Lab.Commands;

namespace NannyOrleans.Lab.Guests;

/// <summary>
/// Guests that are directories, where no container can run: `pct exec` runs the command on this machine, in the guest's
/// directory, with shims of apt and dpkg before the machine's own programs. They isolate nothing.
/// </summary>
internal sealed class SimulatedGuests(LabDirectory directory) : IGuests
{
    /// <summary>
    /// Stands between `pct exec` and the command as lxc-attach does: killing it leaves the command running, and a command that
    /// ends by a signal gives 128 and its number. Standard input goes over descriptor 3: a shell gives background jobs none.
    /// </summary>
    private const string AttachScript = "exec 3<&0; \"$@\" <&3 3<&- & exec 0</dev/null 3<&-; wait $!";

    public IReadOnlySet<int> Running()
    {
        var running = new HashSet<int>();
        foreach (var guest in Directory.EnumerateDirectories($"{directory.Path}/guests"))
        {
            if (File.Exists($"{guest}/running")) { running.Add(int.Parse(Path.GetFileName(guest), CultureInfo.InvariantCulture)); }
        }

        return running;
    }

    public string? Start(int vmid)
    {
        File.WriteAllText($"{directory.SimulatedGuest(vmid)}/running", "");
        return null;
    }

    public void Kill(int vmid) => File.Delete($"{directory.SimulatedGuest(vmid)}/running");

    public bool Shutdown(int vmid, TimeSpan timeout)
    {
        Kill(vmid);
        return true;
    }

    public Answer Attach(int vmid, bool keepEnvironment, IReadOnlyList<byte[]> command)
    {
        var guest = directory.SimulatedGuest(vmid);
        var name = Encoding.UTF8.GetString(command[0]);
        var path = $"{guest}/bin:/sbin:/bin:/usr/sbin:/usr/bin";
        var program = name.Contains('/', StringComparison.Ordinal)
            ? name
            : path.Split(':').Select(place => $"{place}/{name}").FirstOrDefault(File.Exists);
        if (program is null || !File.Exists(program)) { return Failed(vmid, 127, "No such file or directory", name); }
        if ((File.GetUnixFileMode(program) & UnixFileMode.OtherExecute) is 0) { return Failed(vmid, 126, "Permission denied", name); }
        string[] words = keepEnvironment
            ? ["sh", "-c", AttachScript, "sh"]
            : ["env", "-i", $"PATH={path}", "container=lxc", $"NANNY_LAB_GUEST={guest}", "sh", "-c", AttachScript, "sh"];
        return new Answer.Becomes(
            keepEnvironment ? "/bin/sh" : "/usr/bin/env",
            [.. words.Select(Encoding.UTF8.GetBytes), Encoding.UTF8.GetBytes(program), .. command.Skip(1)],
            [new("PATH", path), new("container", "lxc"), new("NANNY_LAB_GUEST", guest)],
            WorkingDirectory: guest);
    }

    public void Make(PlannedGuest guest, string baseDirectory)
    {
        var root = directory.SimulatedGuest(guest.Vmid);
        Directory.CreateDirectory($"{root}/bin");
        Directory.CreateDirectory($"{root}/etc");
        foreach (var name in Resource.Names("shim/"))
        {
            LabDirectory.Replace($"{root}/bin/{name["shim/".Length..]}", Resource.Text(name), Executable);
        }

        File.WriteAllText($"{root}/etc/hostname", guest.Name + "\n");
        File.WriteAllText($"{root}/etc/os-release",
            "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nVERSION=\"12 (bookworm)\"\nVERSION_CODENAME=bookworm\nID=debian\n");
        if (!File.Exists($"{root}/packages"))
        {
            var lines = Base.LocalRepository.Packages.Select(p => $"{p.Name} {p.Installed} {p.Candidate} install\n");
            LabDirectory.Replace($"{root}/packages", string.Concat(lines));
        }
    }

    public void Reset(PlannedGuest guest, string baseDirectory)
    {
        Directory.Delete(directory.SimulatedGuest(guest.Vmid), recursive: true);
        Make(guest, baseDirectory);
    }

    /// <summary>Nothing lives outside the directory. A command that still runs ends by itself.</summary>
    public void Clear()
    {
    }

    public const UnixFileMode Executable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private static Answer.Ends Failed(int vmid, int code, string reason, string name) => new(code, "",
        $"lxc-attach: {vmid}: ../src/lxc/attach.c: lxc_attach_run_command: 1841 {reason} - Failed to exec \"{name}\"\n");
}
