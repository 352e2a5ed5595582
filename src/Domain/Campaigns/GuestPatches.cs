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
    /// <returns>Null when its guests are not known and some were asked for.</returns>
    public static IReadOnlyList<GuestPatch>? Of(CampaignOrder order, NodeView? node) => order.Guests is GuestsFirst.None ? [] : node?.Guests is not { } guests ? null :
    [
        .. guests.Where(guest => guest is { Template: false, DeletedAt: null, Status: GuestStatus.Running } && IsMeant(order, guest)).Select(guest => guest switch
        {
            { Type: GuestType.Lxc } or { Agent: null, AgentlessVm: true } => new GuestPatch(guest.Vmid, guest.Type, guest.Name, guest.Id, null),
            { Agent: { } agent } => new(guest.Vmid, guest.Type, guest.Name, agent.Value, null),
            _ => new(guest.Vmid, guest.Type, guest.Name, null, "It has no agent inside, and it is not allowed to patch it from outside (agentless_vm)."),
        }),
    ];

    private static bool IsMeant(CampaignOrder order, GuestView guest) =>
        order.Guests is GuestsFirst.All || (order.GuestTag is { } tag && guest.Tags.Contains(tag, StringComparer.Ordinal));
}
