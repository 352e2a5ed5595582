using System.Globalization;

namespace NannyOrleans.Lab.Linux;

/// <summary>Processes of this machine as /proc shows them.</summary>
internal static class Processes
{
    /// <summary>Lines of a file of /proc or of a control group; none when what it is about has gone.</summary>
    public static IEnumerable<string> Lines(string file)
    {
        try
        {
            return File.ReadAllLines(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>Those whose command line <paramref name="which"/> accepts.</summary>
    public static IEnumerable<int> Find(Func<string[], bool> which)
    {
        foreach (var process in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(process), CultureInfo.InvariantCulture, out var pid) && which(CommandLine(pid))) { yield return pid; }
        }
    }

    /// <summary>The words a process was started with; one empty word when it has gone.</summary>
    public static string[] CommandLine(int pid) => string.Join('\n', Lines($"/proc/{pid}/cmdline")).TrimEnd('\0').Split('\0');

    /// <summary>When it started, in the kernel's ticks since boot: with the pid, what tells it from a later one. Null when it has gone.</summary>
    public static long? StartTicks(int pid)
    {
        var line = Lines($"/proc/{pid}/stat").FirstOrDefault();
        // The name in parentheses may hold anything; the 20th field after it is the start.
        var fields = line?[(line.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return fields is { Length: > 19 } && fields[0] is not ("Z" or "X") ? long.Parse(fields[19], CultureInfo.InvariantCulture) : null;
    }

    /// <summary>Seconds since it started.</summary>
    public static long Uptime(int pid)
    {
        if (StartTicks(pid) is not { } ticks) { return 0; }
        var now = double.Parse(File.ReadAllText("/proc/uptime").Split(' ')[0], CultureInfo.InvariantCulture);
        return Math.Max(0, (long)(now - (ticks / 100.0))); // USER_HZ is 100 on every architecture Debian has
    }

    /// <summary>Kills until none is left that <paramref name="find"/> still finds.</summary>
    public static void KillAll(Func<IEnumerable<int>> find)
    {
        for (var round = 0; round < 50; round++)
        {
            var left = find().ToList();
            if (left.Count is 0) { return; }
            foreach (var pid in left) { Native.SendSignal(pid, Native.SigKill); }
            Thread.Sleep(20);
        }
    }
}
