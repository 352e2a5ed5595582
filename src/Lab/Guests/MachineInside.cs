using System.Globalization;
using System.Text;
using CliWrap;
using CliWrap.Buffered;
using NannyOrleans.Lab.Linux;

namespace NannyOrleans.Lab.Guests;

/// <summary>What is inside a VM with an agent: a container under the hood, which lives as long as the VM's process and is made when the agent is first asked to run something.</summary>
internal sealed class MachineInside(LabDirectory directory, LabPlan plan, int vmid)
{
    private string Name => string.Create(CultureInfo.InvariantCulture, $"vm{vmid}");

    private string Folder => $"{directory.Roots}/{Name}";

    /// <summary>Starts a command by the agent; its pid.</summary>
    /// <param name="machine">The VM's process.</param>
    /// <param name="command">Program and arguments.</param>
    /// <param name="input">The file that is its standard input.</param>
    public int Exec(int machine, IReadOnlyList<string> command, string input)
    {
        Enter(machine);
        var job = $"{Folder}/exec/new-{Guid.NewGuid():N}";
        Directory.CreateDirectory(job);
        // perl tells a signal from an exit code, and a program that cannot be started from one that failed.
        const string line = """
            job=$1 lxcpath=$2 name=$3 input=$4
            shift 4
            exec 3>"$job/end"
            exec setsid lxc-attach -P "$lxcpath" -n "$name" --clear-env -- perl -e '
                open(my $end, ">&=", 3) or die; my $pid = fork; 
                if (!$pid) { exec { $ARGV[0] } @ARGV; syswrite $end, "failed $!\n"; require POSIX; POSIX::_exit(127) }
                waitpid $pid, 0; syswrite $end, "status $?\n"' "$@" <"$input" >"$job/out" 2>"$job/err" &
            echo $!
            """;
        var started = Cli.Wrap("/bin/sh").WithArguments(["-c", line, "sh", job, directory.Roots, Name, input, .. command]).WithWorkingDirectory("/")
            .WithEnvironmentVariables(e => e.Set("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")).WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync().Task.GetAwaiter().GetResult();
        var pid = int.Parse(started.StandardOutput, CultureInfo.InvariantCulture);
        Directory.Move(job, $"{Folder}/exec/{pid}");
        return pid;
    }

    /// <summary>What became of a command; null when the agent knows no such one. One that has ended is forgotten with this.</summary>
    public ExecSeen? Ask(int machine, int pid)
    {
        var job = $"{Folder}/exec/{pid}";
        if (!IsOf(machine) || !Directory.Exists(job)) { return null; }
        var words = File.ReadAllLines($"{job}/end");
        if (words.FirstOrDefault(w => w.StartsWith("failed ", StringComparison.Ordinal)) is { } failed)
        {
            Directory.Delete(job, recursive: true);
            return new(true, 0, "", "", failed["failed ".Length..]);
        }

        if (words.FirstOrDefault(w => w.StartsWith("status ", StringComparison.Ordinal)) is not { } status) { return new(false, 0, "", "", null); }
        // The agent takes bytes for Latin-1: what is UTF-8 comes out encoded twice.
        var seen = new ExecSeen(true, int.Parse(status["status ".Length..], CultureInfo.InvariantCulture),
            Encoding.Latin1.GetString(File.ReadAllBytes($"{job}/out")), Encoding.Latin1.GetString(File.ReadAllBytes($"{job}/err")), null);
        Directory.Delete(job, recursive: true);
        return seen;
    }

    /// <summary>Goes on inside another process of the VM, as after a live migration.</summary>
    public void Follow(int old, int machine)
    {
        if (IsOf(old)) { LabDirectory.Replace($"{Folder}/machine", machine.ToString(CultureInfo.InvariantCulture)); }
    }

    /// <summary>Ends all in there with the VM.</summary>
    public void Kill()
    {
        if (!Directory.Exists(Folder)) { return; }
        File.Delete($"{Folder}/machine");
        _ = Run("lxc-stop", "-P", directory.Roots, "-n", Name, "--kill");
    }

    private bool IsOf(int machine) => File.Exists($"{Folder}/machine") && File.ReadAllText($"{Folder}/machine") == machine.ToString(CultureInfo.InvariantCulture);

    private void Enter(int machine)
    {
        Directory.CreateDirectory($"{Folder}/upper/etc");
        using var held = LockFile.Take($"{Folder}/lock", TimeSpan.FromMinutes(2)) ?? throw new LabFailure($"somebody else has been starting VM {vmid}'s inside for two minutes");
        if (IsOf(machine)) { return; }
        Kill();
        if (Directory.Exists($"{Folder}/exec")) { Directory.Delete($"{Folder}/exec", recursive: true); }
        Directory.CreateDirectory($"{Folder}/exec");
        // What get-osinfo says of it.
        File.WriteAllText($"{Folder}/upper/etc/os-release", "PRETTY_NAME=\"Ubuntu 24.04.3 LTS\"\nNAME=\"Ubuntu\"\nVERSION_ID=\"24.04\"\nVERSION=\"24.04.3 LTS (Noble Numbat)\"\nVERSION_CODENAME=noble\nID=ubuntu\nID_LIKE=debian\n");
        LabDirectory.Replace($"{Folder}/config", $"""
            lxc.uts.name = {Name}
            lxc.rootfs.path = overlay:{plan.Base}:{Folder}/upper
            lxc.apparmor.profile = unconfined
            lxc.mount.auto = proc:mixed sys:mixed
            lxc.net.0.type = empty
            lxc.cgroup.dir.container = {directory.Tag}/roots/{Name}
            lxc.cgroup.dir.container.inner = ns
            lxc.cgroup.dir.monitor = {directory.Tag}/roots.monitor/{Name}
            lxc.init.cmd = /usr/bin/tini -- /bin/sleep infinity

            """);
        var log = $"{Folder}/start.log";
        File.Delete(log);
        if (Run("lxc-start", "-P", directory.Roots, "-n", Name, "-o", log, "-l", "ERROR").ExitCode is not 0) { throw new LabFailure($"VM {vmid}'s inside did not start: {File.ReadAllText(log).Trim()}"); }
        LabDirectory.Replace($"{Folder}/machine", machine.ToString(CultureInfo.InvariantCulture));
    }

    private static BufferedCommandResult Run(string program, params string[] arguments) => Cli.Wrap(Programs.Need(program, "lxc"))
        .WithArguments(arguments).WithWorkingDirectory("/").WithValidation(CommandResultValidation.None).ExecuteBufferedAsync().Task.GetAwaiter().GetResult();
}

/// <summary>A command in a VM as its agent tells it.</summary>
/// <param name="HasExited">Whether it has ended.</param>
/// <param name="Status">As wait(2) has it: a signal in the low bits, the exit code above.</param>
/// <param name="Out">Its output.</param>
/// <param name="Err">Its errors.</param>
/// <param name="Failure">Why it could not be started; null when it was.</param>
internal sealed record ExecSeen(bool HasExited, int Status, string Out, string Err, string? Failure);
