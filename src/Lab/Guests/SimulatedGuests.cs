using System.Globalization;
using System.Text;
using CliWrap;
using CliWrap.Buffered;
using NannyOrleans.Lab.Commands;
using NannyOrleans.Lab.Linux;

namespace NannyOrleans.Lab.Guests;

/// <summary>
/// Guests that are directories, where no container can run: `pct exec` runs the command on this machine, in the guest's
/// directory, with shims of apt and dpkg before the machine's own programs.
/// </summary>
/// <remarks>
/// A script that sets PATH itself would get the machine's own apt. Where users may have name spaces, the shims are therefore
/// mounted over the real programs; and root's lab runs its guests as nobody: a guest must never patch the machine of the person
/// who tries the lab.
/// </remarks>
internal sealed class SimulatedGuests(LabDirectory directory) : IGuests
{
    /// <summary>
    /// Stands between `pct exec` and the command as lxc-attach does: killing it leaves the command running, and a command that
    /// ends by a signal gives 128 and its number. Standard input goes over descriptor 3: a shell gives background jobs none.
    /// </summary>
    private const string AttachScript = "exec 3<&0; \"$@\" <&3 3<&- & exec 0</dev/null 2>/dev/null 3<&-; wait $!";

    /// <summary>Inside a mount name space: the guest's shims and files over the machine's.</summary>
    private const string MountScript = """
        for shim in "$NANNY_LAB_GUEST"/bin/*; do
            [ "${shim##*/}" = cat ] || for place in /usr/bin /usr/sbin; do
                [ ! -e "$place/${shim##*/}" ] || mount --bind "$shim" "$place/${shim##*/}" || exit 1
            done
        done
        for file in hostname os-release; do
            [ ! -e "/etc/$file" ] || mount --bind "$NANNY_LAB_GUEST/etc/$file" "/etc/$file" || exit 1
        done

        """;

    private const string Nobody = "65534";

    private string IsolatedMark => $"{directory.Path}/guests/isolated";

    /// <summary>Whether shims can be mounted over this machine's programs; looked up once, at `up`.</summary>
    public bool TryIsolate()
    {
        var possible = Programs.Find("unshare") is { } unshare && Cli.Wrap(Native.IsRoot ? "/usr/bin/setpriv" : unshare)
            .WithArguments(Native.IsRoot ? [.. AsNobody, unshare, .. OwnNameSpace, "true"] : [.. OwnNameSpace, "true"])
            .WithValidation(CommandResultValidation.None).ExecuteBufferedAsync().Task.GetAwaiter().GetResult().ExitCode is 0;
        if (possible) { File.WriteAllText(IsolatedMark, ""); }
        return possible;
    }

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
        var isolated = File.Exists(IsolatedMark);
        List<string> words = keepEnvironment
            ? ["/usr/bin/env"]
            : ["/usr/bin/env", "-i", $"PATH={path}", "container=lxc", $"NANNY_LAB_GUEST={guest}"];
        if (Native.IsRoot) { words.AddRange(["/usr/bin/setpriv", .. AsNobody]); }
        if (isolated) { words.AddRange([Programs.Find("unshare")!, .. OwnNameSpace]); }
        words.AddRange(["/bin/sh", "-c", isolated ? MountScript + AttachScript : AttachScript, "sh", program]);
        return new Answer.Becomes(
            words[0],
            [.. words.Select(Encoding.UTF8.GetBytes), .. command.Skip(1)],
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
        Directory.Delete(directory.SimulatedGuest(guest.Vmid), recursive: true);
        Make(guest, baseDirectory);
    }

    /// <summary>Nothing lives outside the directory. A command that still runs ends by itself.</summary>
    public void Clear()
    {
    }

    private static string[] AsNobody => [$"--reuid={Nobody}", $"--regid={Nobody}", "--clear-groups", "--"];

    private static string[] OwnNameSpace => ["--user", "--map-root-user", "--mount", "--"];

    public const UnixFileMode Executable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private static Answer.Ends Failed(int vmid, int code, string reason, string name) => new(code, "",
        $"lxc-attach: {vmid}: ../src/lxc/attach.c: lxc_attach_run_command: 1841 {reason} - Failed to exec \"{name}\"\n");
}
