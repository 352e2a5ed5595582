using NannyOrleans.Domain;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Grains.Guests;

/// <summary>One CT or VM; key: <c>{cluster}/{vmid}</c>, so it stays the same guest when it migrates.</summary>
[GrainInterfaceType("guest")]
public interface IGuestGrain : IGrainWithStringKey
{
    /// <summary>Takes what a node says of the guest.</summary>
    /// <param name="node">The node that says the guest is on it.</param>
    /// <param name="seen">What it says.</param>
    /// <param name="quorate">Whether that node has quorum; without it, it can't take the guest from another node.</param>
    [Alias("RecordSeen")]
    Task RecordSeen(NodeName node, GuestSeen seen, bool quorate);

    /// <summary>Takes what an ended operation found.</summary>
    [Alias("RecordPatch")]
    Task RecordPatch(OperationRecord operation);

    /// <summary>Where a patch job for this guest goes, or why there can be none.</summary>
    [Alias("Route")]
    Task<Outcome<PatchRoute>> Route();

    /// <summary>What is stored of the guest.</summary>
    [Alias("Get")]
    Task<GuestState> Get();
}
