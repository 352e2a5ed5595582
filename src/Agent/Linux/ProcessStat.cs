using System.Globalization;

namespace NannyOrleans.Agent.Linux;

/// <summary>The parts of <c>/proc/PID/stat</c> that tell one process from all others of this boot.</summary>
/// <param name="Pid">Its id; used again once it has ended.</param>
/// <param name="State">One letter; <c>Z</c> and <c>X</c> have ended.</param>
/// <param name="StartTime">Clock ticks from boot to its start; with the pid it names one process.</param>
internal readonly record struct ProcessStat(int Pid, char State, long StartTime)
{
    /// <summary>Whether this very process still runs. <c>/proc</c> is the kernel's, not the host directory's: processes have no root.</summary>
    public bool IsAlive()
    {
        try
        {
            return TryParse(File.ReadAllText($"/proc/{Pid}/stat"), out var now) && now.StartTime == StartTime && now.State is not ('Z' or 'X');
        }
        catch (IOException e) when (e is FileNotFoundException or DirectoryNotFoundException || e.HResult is NoSuchProcess)
        {
            // It is gone, or went while it was read. Any other failure (no descriptors left, say) is no answer and reaches the caller.
            return false;
        }
    }

    /// <summary>How long ago it started, by the kernel's clock, which nobody sets; null when that cannot be read.</summary>
    public TimeSpan? Age()
    {
        try
        {
            var uptime = File.ReadAllText("/proc/uptime").Split(' ')[0];
            return double.TryParse(uptime, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds)
                ? TimeSpan.FromSeconds(seconds - (StartTime / TicksPerSecond))
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null; // unknown is not too old
        }
    }

    /// <summary>Reads one line of the file. The command's name is in parentheses and may itself hold blanks and parentheses.</summary>
    public static bool TryParse(string line, out ProcessStat stat)
    {
        stat = default;
        var open = line.IndexOf(" (", StringComparison.Ordinal);
        var close = line.LastIndexOf(") ", StringComparison.Ordinal);
        if (open <= 0 || close < open)
        {
            return false;
        }

        var fields = line[(close + 2)..].Split(' ');
        if (fields.Length <= StartTimeField
            || fields[0].Length is not 1
            || !int.TryParse(line.AsSpan(0, open), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
            || !long.TryParse(fields[StartTimeField], NumberStyles.None, CultureInfo.InvariantCulture, out var started))
        {
            return false;
        }

        stat = new(pid, fields[0][0], started);
        return true;
    }

    /// <summary>starttime is field 22, proc(5); fields here are counted from the state, which is field 3.</summary>
    private const int StartTimeField = 22 - 3;

    /// <summary>USER_HZ, what the kernel shows to programs; 100 wherever Proxmox VE runs.</summary>
    private const double TicksPerSecond = 100;

    private const int NoSuchProcess = 3; // ESRCH
}
