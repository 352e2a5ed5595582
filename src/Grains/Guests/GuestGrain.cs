using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Operations;

namespace NannyOrleans.Grains.Guests;

[GrainType("guest")]
internal sealed class GuestGrain([PersistentState("guest")] IPersistentState<GuestState> stored) : Grain, IGuestGrain
{
    public async Task<PatchState?> RecordPatch(OperationRecord operation)
    {
        await stored.Replace(GuestMachine.RecordPatch(stored.State, operation), this);
        return stored.State.Patches;
    }

    public Task<GuestState> Get() => Task.FromResult(stored.State);
}
