namespace NannyOrleans.Agent.Proxmox;

/// <summary>The output of <c>corosync-quorumtool -s</c>.</summary>
internal static class QuorumTool
{
    /// <summary>
    /// Whether the quorum device gives this node its vote: the flags of the member marked <c>(local)</c> hold <c>A</c> (alive) and <c>V</c> (casts its
    /// vote). Null when there is no such line, or it has no flags.
    /// </summary>
    public static bool? DeviceVotes(string output)
    {
        foreach (var raw in output.AsSpan().EnumerateLines())
        {
            // 0x00000002          1    A,V,NMW 192.168.31.132 (local)
            var line = raw.Trim();
            if (line.Length < 400 && line.EndsWith("(local)")
                && line.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) is [_, _, var flags, _, ..])
            {
                var given = flags.Split(',');
                return given[0] is "A" or "NA" or "NR" ? given[0] is "A" && given.Contains("V") : null;
            }
        }

        return null;
    }
}
