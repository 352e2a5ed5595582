using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Operations;

namespace NannyOrleans.Grains.Guests;

/// <summary>One CT or VM; key: <c>{cluster}/{vmid}</c>, so it stays the same guest when it migrates.</summary>
[GrainInterfaceType("guest")]
public interface IGuestGrain : IGrainWithStringKey
{
    /// <summary>Takes what an ended operation found.</summary>
    /// <returns>What is known of the guest's updates now; null when nothing is.</returns>
    [Alias("RecordPatch")]
    Task<PatchState?> RecordPatch(OperationRecord operation);

    /// <summary>What is stored of the guest.</summary>
    [Alias("Get")]
    Task<GuestState> Get();
}
