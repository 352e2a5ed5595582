using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Domain.Clusters;

/// <summary>
/// How far hosts and guests are patched: each that can be is in one of the first three. Counted are hosts with an agent, containers, and VMs that may be
/// patched through their guest agent; a VM with an agent of its own is a machine and counted as that.
/// </summary>
/// <param name="UpToDate">Nothing is pending, as somebody has seen within <see cref="Fresh"/>.</param>
/// <param name="Pending">At least one update is.</param>
/// <param name="Unknown">Nobody has looked, or not for longer than that, or whoever looked could not tell.</param>
/// <param name="Unmanaged">VMs that can't be patched, since no agent is inside.</param>
/// <param name="Updates">All pending updates together.</param>
/// <param name="RebootRequired">Hosts and guests known to need a restart.</param>
public sealed record PatchCounts(int UpToDate, int Pending, int Unknown, int Unmanaged, long Updates, int RebootRequired)
{
    /// <summary>For how long what somebody has seen stands: Debian and its like publish updates daily, and a week is what people let pass.</summary>
    public static readonly TimeSpan Fresh = TimeSpan.FromDays(7);

    /// <summary>Several together; null when one of them is not known: a sum with a gap is no sum.</summary>
    public static PatchCounts? Sum(IEnumerable<PatchCounts?> all) => all.Aggregate((PatchCounts?)new(0, 0, 0, 0, 0, 0), (sum, one) => sum is null || one is null ? null : new(
        sum.UpToDate + one.UpToDate, sum.Pending + one.Pending, sum.Unknown + one.Unknown, sum.Unmanaged + one.Unmanaged, sum.Updates + one.Updates, sum.RebootRequired + one.RebootRequired));

    /// <summary>The counts of some nodes and their guests.</summary>
    public static PatchCounts Of(IEnumerable<NodeView> nodes, DateTimeOffset now)
    {
        var (upToDate, pending, unknown, unmanaged, updates, reboots) = (0, 0, 0, 0, 0L, 0);
        foreach (var node in nodes)
        {
            if (node.Agent is not null)
            {
                var host = node.Status is NodeStatus.Offline ? null : node.Host;
                Count(host?.PendingUpdates, host?.PackageListsAt, host?.RebootRequired);
            }

            foreach (var guest in (node.Guests ?? []).Where(guest => guest is { DeletedAt: null, Template: false }))
            {
                if (guest.Type is GuestType.Lxc || guest.AgentlessVm)
                {
                    Count(guest.Patches?.Pending, guest.Patches?.At, guest.Patches?.RebootRequired);
                }
                else if (guest.Agent is null)
                {
                    unmanaged++;
                }
            }
        }

        return new(upToDate, pending, unknown, unmanaged, updates, reboots);

        void Count(int? found, DateTimeOffset? at, bool? reboot)
        {
            if (found is not { } number || at is not { } seen || now - seen > Fresh)
            {
                unknown++;
            }
            else if (number is 0)
            {
                upToDate++;
            }
            else
            {
                pending++;
                updates += number;
            }

            reboots += reboot is true ? 1 : 0;
        }
    }
}
