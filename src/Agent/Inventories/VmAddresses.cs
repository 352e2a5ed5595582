using System.Net;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Agent.Inventories;

/// <summary>
/// Addresses of VMs that run, without a look inside: what cloud-init gives them, whom the host has talked to, and what a QEMU guest agent says,
/// of whom one is asked in a round. Not for use from two places at once.
/// </summary>
internal sealed class VmAddresses(Host host, PveCalls calls, TimeProvider clock)
{
    private readonly HostTexts texts = new(host);
    private readonly Dictionary<Vmid, Known> known = [];

    /// <summary>A VM that runs.</summary>
    /// <param name="Vmid">Its number.</param>
    /// <param name="Process">Its process; null when it is not known.</param>
    /// <param name="Conf">Its configuration.</param>
    public sealed record Running(Vmid Vmid, ProcessStat? Process, GuestConf Conf);

    /// <summary>Looks at this round's VMs.</summary>
    public async Task Look(IReadOnlyList<Running> running, List<string> problems, CancellationToken cancellationToken)
    {
        var present = new HashSet<Vmid>();
        foreach (var vm in running)
        {
            present.Add(vm.Vmid);
        }

        foreach (var vmid in known.Keys)
        {
            if (!present.Contains(vmid))
            {
                known.Remove(vmid);
            }
        }

        var neighbours = Neighbours(problems);
        Known? next = null;
        foreach (var vm in running)
        {
            if (!known.TryGetValue(vm.Vmid, out var one) || one.Process?.Pid != vm.Process?.Pid || one.Process?.StartTime != vm.Process?.StartTime)
            {
                known[vm.Vmid] = one = new(vm.Vmid) { Process = vm.Process };
            }

            Note(one, vm.Conf, neighbours);
            if (vm.Conf.QemuAgent is true && IsDue(one) && (next is null || one.AskedAt < next.AskedAt))
            {
                next = one;
            }
        }

        if (next is not null)
        {
            await Ask(next, cancellationToken);
        }
    }

    /// <summary>The addresses of a VM that runs; null when none is known.</summary>
    public IReadOnlyList<string>? Of(Vmid vmid) => known.GetValueOrDefault(vmid) is { } one
        ? one.Said ?? (one.Guessed.Count > 0 ? one.Guessed : null)
        : null;

    /// <summary>Has a VM's agent asked again, or those of all.</summary>
    public void Forget(Vmid? vmid)
    {
        if (vmid is { } one)
        {
            known.Remove(one);
        }
        else
        {
            known.Clear();
        }
    }

    // The kernel forgets a neighbour that is silent; the address is still the VM's until another one shows.
    private static void Note(Known one, GuestConf conf, Dictionary<string, List<string>> neighbours)
    {
        var seen = new List<string>();
        foreach (var interfaceSeen in conf.Networks)
        {
            if (interfaceSeen.Mac is { } mac && neighbours.TryGetValue(mac, out var addresses))
            {
                seen.AddRange(addresses);
            }
        }

        if (seen.Count > 0)
        {
            one.Seen = seen;
        }

        one.Guessed.Clear();
        foreach (var address in conf.CloudInitAddresses.Concat(one.Seen))
        {
            if (!one.Guessed.Contains(address) && one.Guessed.Count < ContainerProbes.MostAddresses)
            {
                one.Guessed.Add(address);
            }
        }

        one.Guessed.Sort((a, b) => a.Contains(':', StringComparison.Ordinal).CompareTo(b.Contains(':', StringComparison.Ordinal)) is not 0 and var order ? order : string.CompareOrdinal(a, b));
    }

    // Asked once since it started, unless it has not answered, or has an address now that it did not name.
    private bool IsDue(Known one) => one.AskedAt is long.MinValue
        || ((one.Said is null || one.Seen.Exists(address => !one.Said.Contains(address))) && clock.GetElapsedTime(one.AskedAt) >= Patience(one.Failures));

    private async Task Ask(Known one, CancellationToken cancellationToken)
    {
        // No agent installed, not up yet, forbidden: all usual, and no problem of the host's.
        if (await calls.Run("qm", ["guest", "cmd", one.Vmid.ToString(), "network-get-interfaces"], AskLimit, OutputLimit, cancellationToken) is { } end)
        {
            var said = end.Problem is null ? QemuAgent.Addresses(end.Output, ContainerProbes.MostAddresses) : null;
            one.AskedAt = clock.GetTimestamp();
            var news = said is not null && !(one.Said?.SequenceEqual(said) ?? false);
            one.Failures = news ? 1 : one.Failures + 1;
            one.Seen = news ? [] : one.Seen; // the agent's word is newer
            one.Said = said ?? one.Said;
        }
    }

    private Dictionary<string, List<string>> Neighbours(List<string> problems)
    {
        var found = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (var line in (texts.Read("/proc/net/arp", problems) ?? string.Empty).AsSpan().EnumerateLines())
        {
            // IP address, HW type, flags (0x0: never answered), HW address, mask, device
            if (line.Length < 400 && line.ToString().Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var address, _, not "0x0", var mac, ..]
                && Mac.IsReal(mac) && IPAddress.TryParse(address, out var ip) && QemuAgent.IsWanted(ip))
            {
                var key = mac.ToLowerInvariant();
                (found.TryGetValue(key, out var list) ? list : found[key] = []).Add(ip.ToString());
            }
        }

        return found;
    }

    // 5 minutes (an agent may need 100 s after a start), then twice as long each time it has nothing new to say, up to 6 hours.
    private static TimeSpan Patience(int failures) => TimeSpan.FromMinutes(Math.Min(360, 5 << Math.Min(Math.Max(failures - 1, 0), 7)));

    private static readonly TimeSpan AskLimit = TimeSpan.FromSeconds(10);
    private const int OutputLimit = 1024 * 1024;

    private sealed class Known(Vmid vmid)
    {
        public Vmid Vmid => vmid;
        public ProcessStat? Process;
        public IReadOnlyList<string>? Said;
        public List<string> Seen = [];
        public List<string> Guessed = [];
        public long AskedAt = long.MinValue;
        public int Failures;
    }
}
