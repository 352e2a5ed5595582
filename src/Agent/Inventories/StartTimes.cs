using System.Globalization;
using System.Text;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Agent.Inventories;

/// <summary>
/// When guests' processes started. The kernel counts ticks since boot and the boot's time wavers by a second: for one process the first answer
/// holds. Not for use from two places at once.
/// </summary>
internal sealed class StartTimes(TimeProvider clock)
{
    private readonly FileBytes file = new();
    private readonly Dictionary<Vmid, Known> known = [];

    /// <summary>The process of this number; null when there is none, or it cannot be read.</summary>
    public ProcessStat? Process(int pid) =>
        file.Read(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/stat")) is 0
        && ProcessStat.TryParse(Encoding.UTF8.GetString(file.Content), out var stat) && stat.State is not ('Z' or 'X')
            ? stat
            : null;

    /// <summary>The process that a pid file names; null when there is none.</summary>
    public ProcessStat? ProcessIn(string pidFile) =>
        file.Read(pidFile) is 0 && file.Content.Length < 20
        && int.TryParse(file.Content.TrimEnd((byte)'\n'), NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
            ? Process(pid)
            : null;

    /// <summary>Whether the very process still runs.</summary>
    public bool IsAlive(ProcessStat process) => Process(process.Pid) is { } now && now.StartTime == process.StartTime;

    /// <summary>When a guest's process started, to the second; null when that cannot be told.</summary>
    public DateTimeOffset? Of(Vmid vmid, ProcessStat process)
    {
        if (known.TryGetValue(vmid, out var earlier) && earlier.Process.Pid == process.Pid && earlier.Process.StartTime == process.StartTime)
        {
            return earlier.At;
        }

        if (process.Age() is not { } age || age < TimeSpan.Zero)
        {
            return null;
        }

        var at = DateTimeOffset.FromUnixTimeSeconds((clock.GetUtcNow() - age).ToUnixTimeSeconds());
        known[vmid] = new(process, at);
        return at;
    }

    /// <summary>Forgets guests that are gone.</summary>
    public void Keep(IReadOnlySet<Vmid> present)
    {
        foreach (var vmid in known.Keys)
        {
            if (!present.Contains(vmid))
            {
                known.Remove(vmid);
            }
        }
    }

    private sealed record Known(ProcessStat Process, DateTimeOffset At);
}
