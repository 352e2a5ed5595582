using System.Globalization;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Proxmox;

/// <summary>What <c>corosync.conf</c> says of votes.</summary>
/// <param name="Votes">
/// <c>quorum_votes</c> of each node of the nodelist, by name. An absent line means 1 (corosync.conf(5)); 0 is legal. A node whose line cannot be
/// read is left out: unknown is not 1.
/// </param>
/// <param name="QDevice">The quorum device; null without one. Whether it votes now is not in this file.</param>
internal sealed record CorosyncConf(IReadOnlyDictionary<string, int> Votes, QDeviceSeen? QDevice)
{
    /// <summary>Reads the file. Blocks it does not know are passed over.</summary>
    public static CorosyncConf Parse(string text)
    {
        var votes = new Dictionary<string, int>(StringComparer.Ordinal);
        var blocks = new Stack<string>();
        var device = new Dictionary<string, string>(StringComparer.Ordinal);
        var nodes = 0;
        string? name = null;
        int? nodeVotes = 1;
        foreach (var raw in text.AsSpan().EnumerateLines())
        {
            var line = raw.Trim(); // values may carry trailing blanks
            if (line is [] or ['#', ..])
            {
                continue;
            }

            if (line is [.., '{'])
            {
                if (blocks.Count is Deepest)
                {
                    break; // no corosync.conf
                }

                blocks.Push(blocks.Count is 0 ? line[..^1].TrimEnd().ToString() : $"{blocks.Peek()}/{line[..^1].TrimEnd()}");
                (name, nodeVotes) = blocks.Peek() is "nodelist/node" ? (null, 1) : (name, nodeVotes);
            }
            else if (line is "}" && blocks.TryPop(out var ended))
            {
                if (ended is "nodelist/node")
                {
                    nodes++;
                    if (name is not null && nodeVotes is { } count)
                    {
                        votes[name] = count;
                    }
                }
            }
            else if (line.IndexOf(':') is > 0 and var colon && blocks.TryPeek(out var block))
            {
                var (key, value) = (line[..colon].TrimEnd().ToString(), PlainText.Of(line[(colon + 1)..].Trim().ToString(), 200));
                switch (block, key)
                {
                    case ("nodelist/node", "name"):
                        name = value;
                        break;
                    case ("nodelist/node", "quorum_votes"):
                        nodeVotes = Number(value);
                        break;
                    case ("quorum/device", "model" or "votes"):
                    case ("quorum/device/net", "host" or "algorithm"):
                        device[key] = value;
                        break;
                }
            }
        }

        return new(votes, device.GetValueOrDefault("model") is { } model ? QDeviceOf(model, device, nodes) : null);
    }

    private static QDeviceSeen QDeviceOf(string model, Dictionary<string, string> device, int nodes)
    {
        var algorithm = device.GetValueOrDefault("algorithm");
        int? votes = device.TryGetValue("votes", out var written) ? Number(written)
            : algorithm is "lms" && nodes > 0 ? nodes - 1 // corosync-qdevice(8)
            : null;
        return new(model, device.GetValueOrDefault("host"), algorithm, votes, Voting: null);
    }

    private static int? Number(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private const int Deepest = 8;
}
