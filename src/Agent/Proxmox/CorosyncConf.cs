using System.Globalization;

namespace NannyOrleans.Agent.Proxmox;

/// <summary>The votes of <c>corosync.conf</c>.</summary>
internal static class CorosyncConf
{
    /// <summary>
    /// <c>quorum_votes</c> of each node of the nodelist, by name. An absent line means 1 (corosync.conf(5)); 0 is legal.
    /// A node whose line cannot be read is left out: unknown is not 1.
    /// </summary>
    public static IReadOnlyDictionary<string, int> Votes(string text)
    {
        var votes = new Dictionary<string, int>(StringComparer.Ordinal);
        var blocks = new Stack<string>();
        string? name = null;
        int? nodeVotes = 1;
        foreach (var raw in text.Split('\n'))
        {
            var line = raw.Trim(); // values may carry trailing blanks
            if (line.Length is 0 || line[0] is '#')
            {
                continue;
            }

            if (line.EndsWith('{'))
            {
                blocks.Push(line[..^1].TrimEnd());
                (name, nodeVotes) = InNode(blocks) ? (null, 1) : (name, nodeVotes);
            }
            else if (line is "}" && blocks.Count > 0)
            {
                if (InNode(blocks) && name is not null && nodeVotes is { } count)
                {
                    votes[name] = count;
                }

                blocks.Pop();
            }
            else if (InNode(blocks) && line.Split(':', 2, StringSplitOptions.TrimEntries) is [var key, var value])
            {
                switch (key)
                {
                    case "name":
                        name = value;
                        break;
                    case "quorum_votes":
                        nodeVotes = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
                        break;
                }
            }
        }

        return votes;
    }

    private static bool InNode(Stack<string> blocks) => blocks.Count is 2 && blocks.Peek() is "node" && blocks.Last() is "nodelist";
}
