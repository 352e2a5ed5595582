using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Operations;

namespace NannyOrleans.Grains.Guests;

[GrainType("guest")]
internal sealed class GuestGrain([PersistentState("guest")] IPersistentState<GuestState> stored) : Grain, IGuestGrain
{
    public Task RecordPatch(OperationRecord operation) => stored.Replace(GuestMachine.RecordPatch(stored.State, operation), this);

    public Task<GuestState> Get() => Task.FromResult(stored.State);
}
