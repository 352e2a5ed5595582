using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace NannyOrleans.Agent.Linux;

/// <summary>
/// A program that outlives the agent: in a systemd unit of its own where systemd runs, else in a session of its own; output and exit code
/// in files of one directory, found again by whoever looks there.
/// </summary>
/// <param name="directory">Where its files are; it exists, is the run's own, and is never used for a second run.</param>
internal sealed partial class DetachedRun(string directory)
{
    /// <summary>What the program wrote to standard output. Absent until it runs.</summary>
    public string StandardOutput => Path.Combine(directory, "stdout");

    /// <summary>What the program wrote to standard error. Absent until it runs.</summary>
    public string StandardError => Path.Combine(directory, "stderr");

    /// <summary>The directory that exists once the program is about to run, or never will.</summary>
    public string Claim => Path.Combine(directory, "claimed");

    private string Exit => Path.Combine(directory, "exit");

    private string Runner => Path.Combine(directory, "runner");

    /// <summary>Starts the program in <c>/</c>. Called once in the life of a directory.</summary>
    /// <param name="host">Finds <c>systemd-run</c> or <c>setsid</c> and gives the search path.</param>
    /// <param name="input">The file that becomes its standard input.</param>
    /// <param name="program">The program and its arguments.</param>
    /// <param name="sha256">What the input must be, by its SHA-256 in hex; null: whatever it is.</param>
    /// <returns>Null when started, else why it was not and never will be, in a person's words.</returns>
    public Task<string?> Start(Host host, string input, IReadOnlyList<string> program, string? sha256 = null)
    {
        // Everything that varies is a positional parameter: nothing is ever spliced into the text the shell parses.
        string[] runner = ["sh", "-c", RunnerScript, "nannyagent-job", directory, input, sha256 ?? string.Empty, .. program];
        return TransientUnit.Possible(host) ? StartUnit(host, runner) : Task.FromResult(StartSession(host, runner));
    }

    // Where systemd runs there is no other way: as a child of the agent a job would have all that the agent's unit is kept from, apt could
    // not write /usr, and it would end with the agent.
    private async Task<string?> StartUnit(Host host, string[] runner)
    {
        var job = Path.GetFileName(directory);
        var unit = new TransientUnit($"nannyagent-job-{job}", $"Job {job} of nannyagent");
        var end = await new Programs(host).Run(
            "systemd-run", unit.Detached(host, runner), StartLimit, OutputLimit, CancellationToken.None, shown: $"systemd-run --unit={unit.Name}");

        // A lost answer is no answer: systemd may have started it, or be about to. Only who makes the run's claim knows that it never will be.
        return end.Problem is { } problem && TryPrevent() ? problem : null;
    }

    private static string? StartSession(Host host, string[] runner)
    {
        if (new Programs(host).Find("setsid") is not { } setsid)
        {
            return $"there is no setsid in {host.SearchPath}";
        }

        var start = new ProcessStartInfo(setsid, runner) { WorkingDirectory = "/" };
        start.Environment.Clear();
        foreach (var (name, value) in host.Environment)
        {
            start.Environment[name] = value;
        }

        try
        {
            using var process = Process.Start(start);
            return null;
        }
        catch (Win32Exception e)
        {
            return $"setsid: {e.Message}";
        }
    }

    /// <summary>Whether there is an exit code: the cheapest look there is.</summary>
    public bool HasEnded => File.Exists(Exit);

    /// <summary>The exit code and when it came; null while there is none.</summary>
    public (int Code, DateTimeOffset At)? Ended() =>
        HasEnded && int.TryParse(File.ReadAllText(Exit), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var code)
            ? (code, new DateTimeOffset(File.GetLastWriteTimeUtc(Exit), TimeSpan.Zero))
            : null;

    /// <summary>The runner, once it has said who it is; null before, and after a power loss that took the file.</summary>
    public ProcessStat? RunnerProcess() =>
        File.Exists(Runner) && ProcessStat.TryParse(File.ReadAllText(Runner), out var stat) ? stat : null;

    /// <summary>
    /// Makes sure that a run which has not begun never will. True: the program did not and will not run. False: it has begun.
    /// The runner makes the same directory just before the program, and only one of the two can.
    /// </summary>
    public bool TryPrevent()
    {
        const int OwnerOnly = 0x1C0;
        const int Exists = 17;
        if (MakeDirectory(Claim, OwnerOnly) is 0)
        {
            return true;
        }

        var error = Marshal.GetLastPInvokeError();
        return error is Exists ? false : throw new IOException($"mkdir {Claim}: {Marshal.GetPInvokeErrorMessage(error)}");
    }

    /// <summary>Ends the runner's whole process group: first asked, with <paramref name="force"/> killed.</summary>
    public static void End(ProcessStat runner, bool force)
    {
        const int Terminate = 15;
        const int Kill = 9;
        if (runner.IsAlive())
        {
            _ = Signal(-runner.Pid, force ? Kill : Terminate);
        }
    }

    // The directory is nobody else's, so files need no umask; the program's own files in a container do need the usual one.
    // It says who it is before it claims the run, so a claimed run has a process to look for. TERM is caught, not ignored: an
    // ignored signal would be inherited by the program, a caught one is not, and the runner still writes the exit code. systemd
    // starts its services with PIPE ignored, which would be inherited all the way into a container's pipelines; only env can undo it.
    // What is run is a copy that was hashed here, however long ago and by whom the file was looked at before.
    // The input comes through a pipe: the file itself, open in a container, could be opened anew there and written to.
    // Whatever the exit code vouches for is on disk before it has its name. Each program here is one that every patch waits for: what the shell
    // can do itself it does.
    private const string RunnerScript =
        """
        exec </dev/null >/dev/null 2>&1
        umask 022
        trap : TERM
        job=$1 input=$2 hash=$3
        shift 3
        { read -r stat < "/proc/$$/stat" && printf '%s\n' "$stat" > "$job/runner"; } || exit 73
        mkdir "$job/claimed" || exit 75
        if [ -n "$hash" ]; then cp "$input" "$job/input" && input=$job/input; fi
        if [ -z "$hash" ] || [ "$(sha256sum < "$input")" = "$hash  -" ]; then
            cat "$input" | env --default-signal=PIPE "$@" > "$job/stdout" 2> "$job/stderr"
        else
            : > "$job/stdout"
            echo 'the script has changed since it was checked; nothing was run' > "$job/stderr"
            false
        fi
        printf '%s\n' "$?" > "$job/exit.tmp" || exit 74
        sync "$job/stdout" "$job/stderr" "$job/exit.tmp"
        mv "$job/exit.tmp" "$job/exit"
        """;

    private const int OutputLimit = 4096;
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Signal(int pid, int signal);

    [LibraryImport("libc", EntryPoint = "mkdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakeDirectory(string path, int mode);
}
