using System.Globalization;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Agent.Diagnoses;

/// <summary>The tasks of Proxmox VE that run on this node, by its own list, <c>/var/log/pve/tasks/active</c>.</summary>
internal static class RunningTasks
{
    /// <summary>Those that work on a guest, each in a person's words.</summary>
    /// <param name="active">The list.</param>
    /// <param name="vmid">The guest.</param>
    /// <param name="isLocked">Whether it is locked: then a backup of many guests, which names none, may be at it.</param>
    /// <param name="isAlive">Whether a process with this number and start time runs.</param>
    public static IReadOnlyList<string> Of(string active, Vmid vmid, bool isLocked, Func<ProcessStat, bool> isAlive)
    {
        var found = new List<string>();
        foreach (var line in active.Split('\n'))
        {
            // UPID:node:pid:pstart:starttime:type:id:user: saved [endtime status]; the three numbers are hexadecimal.
            if (line.Split(':') is ["UPID", _, var pid, var start, _, var type, var id, var user, var rest]
                && (id == vmid.ToString() || (isLocked && id.Length is 0 && type is "vzdump")) && rest.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length <= 1
                && int.TryParse(pid, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var process)
                && long.TryParse(start, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var started)
                && isAlive(new(process, 'S', started)))
            {
                found.Add($"{type} by {user} (pid {process.ToString(CultureInfo.InvariantCulture)})");
            }
        }

        return found;
    }
}
