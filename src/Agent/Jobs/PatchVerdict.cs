using System.Globalization;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Jobs;

/// <summary>What the end of its program means for a patch job. Exit codes alone do not tell: pct's own cannot be told from the script's.</summary>
internal static class PatchVerdict
{
    /// <summary>The first line a catalogue script writes to standard error: from here on it is the script that speaks.</summary>
    public const string Marker = "nanny-patch: started";

    /// <summary>Judges a run that has an exit code.</summary>
    /// <param name="job">The job.</param>
    /// <param name="exitCode">What it exited with.</param>
    /// <param name="ran">From start to end.</param>
    /// <param name="stderr">Standard error, as far as kept; its beginning is.</param>
    public static (JobOutcome Outcome, string? Detail) Of(PatchJob job, int exitCode, TimeSpan ran, string stderr)
    {
        if (!HasStarted(stderr))
        {
            return (JobOutcome.Failed, NotStarted(job, exitCode, stderr));
        }

        var last = LastLines(stderr, 1) is [var line] && line != Marker ? PlainText.Of(line) : null;
        return exitCode switch
        {
            0 => (JobOutcome.Succeeded, null),

            // timeout(1) says 124, or 137 when it had to kill; BusyBox' passes on the 143 of the ended script.
            124 or 137 or 143 when ran >= TimeSpan.FromSeconds(job.TimeoutSeconds) => (JobOutcome.Failed, TimedOut(job)),
            137 => (JobOutcome.Failed, With("exit code 137: killed, perhaps for want of memory", last)),
            _ => (JobOutcome.Failed, With(string.Create(CultureInfo.InvariantCulture, $"exit code {exitCode}"), last)),
        };
    }

    /// <summary>Whether the script itself has spoken.</summary>
    public static bool HasStarted(string stderr) => HasLine(stderr, Marker);

    /// <summary>The words for a job that took too long.</summary>
    public static string TimedOut(PatchJob job) => string.Create(CultureInfo.InvariantCulture, $"timed out after {job.TimeoutSeconds} s");

    private static string NotStarted(PatchJob job, int exitCode, string stderr)
    {
        if (job.Target is { } vmid && HasLine(stderr, $"container '{vmid}' not running!"))
        {
            return "container not running";
        }

        var reason = LastLines(stderr, 3) is { Count: > 0 } lines ? string.Join("; ", lines) : string.Create(CultureInfo.InvariantCulture, $"exit code {exitCode}, no message");
        return $"could not start {(job is PatchVm ? "in the VM" : job.Target is null ? "on this machine" : "in the container")}: {PlainText.Of(reason)}";
    }

    // Line by line in place: cut into strings, a quarter of a megabyte of short lines takes ten times as much.
    private static bool HasLine(string text, string wanted)
    {
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            if (line.Trim().SequenceEqual(wanted))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The last lines that are not blank, in order.</summary>
    private static List<string> LastLines(string text, int count)
    {
        var lines = new List<string>();
        for (var rest = text.AsSpan().TrimEnd(); rest.Length > 0 && lines.Count < count;)
        {
            var start = rest.LastIndexOf('\n') + 1;
            lines.Insert(0, rest[start..].Trim().ToString());
            rest = rest[..start].TrimEnd();
        }

        return lines;
    }

    private static string With(string what, string? last) => last is null ? what : $"{what}: {last}";
}
