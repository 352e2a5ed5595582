using System.Globalization;
using CliWrap;
using CliWrap.Buffered;

namespace NannyOrleans.Lab.Linux;

/// <summary>A process that only exists, under any command line: what a virtual machine or a simulated guest is on this machine.</summary>
internal static class Placeholder
{
    /// <summary>Waits for a line that never comes: a FIFO opened both ways has no end of file.</summary>
    private const string Script = "read -r end";

    /// <summary>`exec -a` gives the name, `setsid` takes it out of the caller's session, and the pid stays that of the job.</summary>
    private const string Starter = """
        exec 3<>"$1"; shift
        setsid bash -c 'exec -a "$0" /bin/sh -c "$@"' "$@" <&3 3<&- >/dev/null 2>&1 &
        echo $!
        """;

    /// <summary>Starts one and returns its pid.</summary>
    /// <param name="fifo">Made for it; removing it later is the caller's.</param>
    /// <param name="name">What stands first in its command line.</param>
    /// <param name="words">What follows, after the shell's own two words. One of them should name the lab, for <see cref="Find"/>.</param>
    public static int Start(string fifo, string name, IReadOnlyList<string> words)
    {
        File.Delete(fifo);
        Native.MakeFifo(fifo);
        var started = Cli.Wrap(Programs.Need("bash", "bash")).WithArguments(["-c", Starter, "bash", fifo, name, Script, .. words])
            .WithEnvironmentVariables(e => e.Set("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")).WithWorkingDirectory("/")
            .WithValidation(CommandResultValidation.None).ExecuteBufferedAsync().Task.GetAwaiter().GetResult();
        var pid = int.TryParse(started.StandardOutput, CultureInfo.InvariantCulture, out var n) ? n : throw new LabFailure($"cannot start {name}: {started.StandardError.Trim()}");
        // Until the last exec it still carries the shells' names: whoever looks at once must find the one it was given.
        while (Processes.StartTicks(pid) is not null && Processes.CommandLine(pid)[0] != name) { Thread.Sleep(1); }
        return pid;
    }

    /// <summary>Those of one lab, also any that a killed verb left unrecorded.</summary>
    public static IEnumerable<int> Find(string directory) => Processes.Find(words =>
        words.Contains(Script) && words.Any(word => word.Contains($"{directory}/", StringComparison.Ordinal)));
}
