using System.Text;
using NannyOrleans.Agent.Linux;

namespace NannyOrleans.Agent.Metrics;

/// <summary>Bytes a second, by the host's interfaces. Not for use from two places at once.</summary>
internal sealed class NetworkMeter(Host host, TimeProvider clock)
{
    private readonly string path = host.At("/proc/net/dev");
    private readonly FileBytes file = new();
    private readonly Dictionary<string, Link> links = new(StringComparer.Ordinal);
    private readonly Dictionary<int, Sum> guests = [];
    private long round;

    /// <summary>The host's own: in is what it received.</summary>
    public (double? In, double? Out) Host { get; private set; }

    /// <summary>A guest's, as the guest sees it: what the host received came out of the guest. Both null without a link between the two.</summary>
    public (double? In, double? Out) Guest(int vmid) => guests.TryGetValue(vmid, out var sum) ? (sum.Sent.Total, sum.Received.Total) : (null, null);

    /// <summary>Takes a sample.</summary>
    public void Measure(List<string> problems)
    {
        round++;
        guests.Clear();
        var (physical, others) = (default(Sum), default(Sum));
        if (file.Read(path) is not 0 and var error)
        {
            problems.Add(FileBytes.Problem(path, error));
            links.Clear();
            Host = (null, null);
            return;
        }

        var now = clock.GetTimestamp();
        var lines = new Words(file.Content);
        while (lines.NextLine(out var line))
        {
            if (!ProcFiles.Interface(line, out var name, out var received, out var sent) || IsPassedOn(name) || LinkOf(name) is not { } link)
            {
                continue;
            }

            var (incoming, outgoing) = (link.Received.PerSecond(received, now, clock), link.Sent.PerSecond(sent, now, clock));
            link.Round = round;
            if (link.Vmid is { } vmid)
            {
                var sum = guests.GetValueOrDefault(vmid);
                sum.Add(incoming, outgoing);
                guests[vmid] = sum;
            }
            else if (link.IsPhysical)
            {
                physical.Add(incoming, outgoing);
            }
            else
            {
                others.Add(incoming, outgoing);
            }
        }

        Forget();

        // Each byte once: a frame of a guest passes its own link, perhaps a firewall bridge, a bridge, a VLAN and a bond, and all of them count
        // it; it leaves the machine by a card, and only cards have a device. Where there is none (in a container, on a
        // machine whose /sys is not to be had) what is left once the passing-on kinds are out are the machine's own ends.
        var own = physical.Links > 0 ? physical : others;
        Host = (own.Received.Total, own.Sent.Total);
        if (own.Links is 0)
        {
            problems.Add($"{path} has no interface to the outside");
        }
    }

    /// <summary>The guest at the other end of <c>veth100i0</c> or <c>tap100i0</c>; null when it is no such name.</summary>
    internal static int? VmidOf(ReadOnlySpan<byte> name)
    {
        var rest = name.StartsWith("veth"u8) ? name[4..] : name.StartsWith("tap"u8) ? name[3..] : default;
        var mark = rest.IndexOf((byte)'i');
        return mark is > 0 and <= 9 && Words.Number(rest[..mark]) is { } vmid && Words.Number(rest[(mark + 1)..]) is not null ? (int)vmid : null;
    }

    // Kinds that only pass on what another interface counts as well. Bridges and bonds have more names, but without a device of
    // their own they are only asked about where there is no card at all.
    private static bool IsPassedOn(ReadOnlySpan<byte> name) => name.SequenceEqual("lo"u8)
        || name.StartsWith("fwbr"u8) || name.StartsWith("fwln"u8) || name.StartsWith("fwpr"u8) || name.StartsWith("vmbr"u8) || name.StartsWith("virbr"u8)
        || name.StartsWith("docker"u8) || name.StartsWith("br-"u8) || name.StartsWith("bond"u8) || name.StartsWith("ifb"u8) || name.StartsWith("dummy"u8)
        || name.StartsWith("wg"u8) || name.StartsWith("tun"u8) || name.StartsWith("sit"u8) || name.IndexOf((byte)'.') > 0
        || ((name.StartsWith("veth"u8) || name.StartsWith("tap"u8)) && VmidOf(name) is null);

    private Link? LinkOf(ReadOnlySpan<byte> bytes)
    {
        var name = Encoding.UTF8.GetString(bytes);
        if (links.TryGetValue(name, out var link))
        {
            return link;
        }

        if (links.Count >= MostLinks || name.Contains('/', StringComparison.Ordinal))
        {
            return null;
        }

        var vmid = VmidOf(bytes);
        return links[name] = new(vmid, vmid is null && Path.Exists(host.At($"/sys/class/net/{name}/device")));
    }

    /// <summary>Drops the links that were not there this time: one that comes again under the same name is another one.</summary>
    private void Forget()
    {
        foreach (var (name, link) in links)
        {
            if (link.Round != round)
            {
                links.Remove(name);
            }
        }
    }

    private const int MostLinks = 20_000;

    private sealed class Link(int? vmid, bool isPhysical)
    {
        public Counter Received;
        public Counter Sent;

        public int? Vmid { get; } = vmid;

        public bool IsPhysical { get; } = isPhysical;

        public long Round { get; set; }
    }

    private struct Sum
    {
        public Rates Received;
        public Rates Sent;

        public int Links { get; private set; }

        public void Add(double? received, double? sent)
        {
            Links++;
            Received.Add(received);
            Sent.Add(sent);
        }
    }

    /// <summary>A sum that is not known while one of its parts is not: part of the traffic would look like all of it.</summary>
    private struct Rates
    {
        private double sum;
        private bool any;
        private bool gap;

        public readonly double? Total => any && !gap ? sum : null;

        public void Add(double? rate)
        {
            any = true;
            gap |= rate is null;
            sum += rate ?? 0;
        }
    }
}
