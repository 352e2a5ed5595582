using NannyOrleans.Domain.Clusters;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Domain.Campaigns;

/// <summary>A guest that is to be patched before its node.</summary>
/// <param name="Vmid">The guest.</param>
/// <param name="Type">CT or VM.</param>
/// <param name="Name">Its name.</param>
/// <param name="Target">What is patched, as an id of the API: the guest, or the agent inside it; null when it can't be.</param>
/// <param name="Reason">Why it can't be, and is left out; null when it can.</param>
public sealed record GuestPatch(Vmid Vmid, GuestType Type, string Name, string? Target, string? Reason);

/// <summary>Says which guests are patched before their node.</summary>
public static class GuestPatches
{
    /// <summary>
    /// The running guests of a node that were asked for: containers from outside, a VM by the agent inside it, or through its QEMU guest agent where
    /// that is allowed for it. A VM with neither is named, with the reason.
    /// </summary>
    /// <param name="order">What was asked for.</param>
    /// <param name="node">The node; null when nobody knows it.</param>
    /// <returns>Null when some were asked for and it is not known which guests there are, or whether one of them runs.</returns>
    public static IReadOnlyList<GuestPatch>? Of(CampaignOrder order, NodeView? node) => order.Guests is GuestsFirst.None ? []
        : node?.Guests?.Where(guest => guest is { Template: false, DeletedAt: null } && IsMeant(order, guest)).ToArray() is not { } meant
            || meant.Any(guest => guest.Status is GuestStatus.Unknown) ? null :
    [
        .. meant.Where(guest => guest.Status is GuestStatus.Running).Select(guest => guest switch
        {
            { Type: GuestType.Lxc } or { Agent: null, AgentlessVm: true } => new GuestPatch(guest.Vmid, guest.Type, guest.Name, guest.Id, null),
            { Agent: { } agent } => new(guest.Vmid, guest.Type, guest.Name, agent.Value, null),
            _ => new(guest.Vmid, guest.Type, guest.Name, null, "It has no agent inside, and it is not allowed to patch it from outside (agentless_vm)."),
        }),
    ];

    private static bool IsMeant(CampaignOrder order, GuestView guest) =>
        order.Guests is GuestsFirst.All || (order.GuestTag is { } tag && guest.Tags.Contains(tag, StringComparer.Ordinal));
}
