using System.Globalization;
using System.Text.Json;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Agent.Proxmox;

/// <summary>A task of Proxmox VE that runs on this node.</summary>
/// <param name="Type">Its type, such as <c>vzdump</c>.</param>
/// <param name="Id">What it is about, as a rule a vmid; may be empty.</param>
/// <param name="User">Who began it.</param>
/// <param name="Pid">Its process.</param>
internal sealed record RunningTask(string Type, string Id, string User, int Pid)
{
    /// <summary>Whether it moves, copies or changes guests and their disks, so that a node is better not drained or restarted under it.</summary>
    public bool WorksOnGuests => Type is "vzdump" or "qmigrate" or "vzmigrate" or "hamigrate" or "migrateall" or "startall" or "stopall" or "suspendall"
        or "qmcreate" or "vzcreate" or "qmrestore" or "vzrestore" or "qmclone" or "vzclone" or "qmtemplate" or "vztemplate" or "qmdestroy" or "vzdestroy"
        or "qmmove" or "move_volume" or "resize" or "imgcopy" or "imgdel" or "download" or "upload"
        or "qmsnapshot" or "vzsnapshot" or "qmrollback" or "vzrollback" or "qmdelsnapshot" or "vzdelsnapshot"
        || Type.StartsWith("cephcreate", StringComparison.Ordinal) || Type.StartsWith("cephdestroy", StringComparison.Ordinal);
}

/// <summary>The tasks of Proxmox VE that run on this node, by its own list, <c>/var/log/pve/tasks/active</c>, and its replications.</summary>
internal static class RunningTasks
{
    /// <summary>Those that work on a guest, each in a person's words.</summary>
    /// <param name="active">The list.</param>
    /// <param name="vmid">The guest.</param>
    /// <param name="isLocked">Whether it is locked: then a backup of many guests, which names none, may be at it.</param>
    /// <param name="isAlive">Whether a process with this number and start time runs.</param>
    public static IReadOnlyList<string> Of(string active, Vmid vmid, bool isLocked, Func<ProcessStat, bool> isAlive) =>
    [
        .. Read(active, isAlive).Tasks.Where(task => task.Id == vmid.ToString() || (isLocked && task is { Id: "", Type: "vzdump" }))
            .Select(task => $"{task.Type} by {task.User} (pid {task.Pid.ToString(CultureInfo.InvariantCulture)})"),
    ];

    /// <summary>Reads the list. A task whose process is gone does not run.</summary>
    /// <param name="active">The list.</param>
    /// <param name="isAlive">Whether a process with this number and start time runs.</param>
    /// <returns>Those that run, and a line that cannot be understood: what it names may run, too. Null when there is none.</returns>
    public static (IReadOnlyList<RunningTask> Tasks, string? Unclear) Read(string active, Func<ProcessStat, bool> isAlive)
    {
        var (found, unclear) = (new List<RunningTask>(), (string?)null);
        foreach (var line in active.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            // UPID:node:pid:pstart:starttime:type:id:user: saved [endtime status]; the three numbers are hexadecimal.
            if (line.Split(':', 9) is ["UPID", _, var pid, var start, _, { Length: > 0 } type, var id, var user, var rest]
                && int.TryParse(pid, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var process)
                && long.TryParse(start, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var started))
            {
                if (rest.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length <= 1 && isAlive(new(process, 'S', started)))
                {
                    found.Add(new(type, id, user, process));
                }
            }
            else
            {
                unclear ??= line;
            }
        }

        return (found, unclear);
    }

    /// <summary>
    /// The guests that are being replicated, by pvesr's own state (<c>/var/lib/pve-manager/pve-replication-state.json</c>): vmid, target, and in it
    /// the process while there is one. An empty file, which a power loss leaves, is no state.
    /// </summary>
    /// <exception cref="JsonException">It is something else.</exception>
    public static IReadOnlyList<string> Replicated(string state, Func<ProcessStat, bool> isAlive) => state.AsSpan().Trim("\0 \r\n\t").IsEmpty ? [] : LenientJson.Read(state, "pve-replication-state.json", root =>
    {
        var found = new List<string>();
        foreach (var guest in LenientJson.Members(root))
        {
            foreach (var job in LenientJson.Members(guest.Value))
            {
                if (LenientJson.Number(job.Value, "pid") is > 0 and <= int.MaxValue and var pid && LenientJson.Number(job.Value, "ptime") is { } started && isAlive(new((int)pid, 'S', started)))
                {
                    found.Add($"replication of {guest.Name} (pid {pid.ToString(CultureInfo.InvariantCulture)})");
                }
            }
        }

        return found;
    });
}
