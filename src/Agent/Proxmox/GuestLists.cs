using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Proxmox;

/// <summary>The tables of <c>pct list</c> and <c>qm list</c>. With no guest both print nothing at all, not even a header.</summary>
internal static class GuestLists
{
    /// <summary><c>pct list</c>: VMID, Status, Lock (often blank), Name. A CT's name has no blanks.</summary>
    public static IReadOnlyDictionary<Vmid, GuestStatus> ParsePct(string output) => Parse(output, static words =>
        words.Length is 3 or 4 ? words[1] : null);

    /// <summary><c>qm list</c>: VMID, NAME, STATUS, MEM, BOOTDISK, PID. A VM's name may hold blanks, so the status is the fourth word from the end.</summary>
    public static IReadOnlyDictionary<Vmid, GuestStatus> ParseQm(string output) => Parse(output, static words =>
        words.Length >= 6 ? words[^4] : null);

    private static Dictionary<Vmid, GuestStatus> Parse(string output, Func<string[], string?> status)
    {
        var found = new Dictionary<Vmid, GuestStatus>();
        foreach (var line in output.Split('\n'))
        {
            var words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 0 && Vmid.TryParse(words[0], null, out var vmid))
            {
                found[vmid] = status(words) switch
                {
                    "running" => GuestStatus.Running,
                    "stopped" => GuestStatus.Stopped,
                    "paused" => GuestStatus.Paused,
                    _ => GuestStatus.Unknown,
                };
            }
        }

        return found;
    }
}
