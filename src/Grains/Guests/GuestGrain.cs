using NannyOrleans.Domain;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Grains.Guests;

[GrainType("guest")]
internal sealed class GuestGrain([PersistentState("guest")] IPersistentState<GuestState> stored, TimeProvider clock) : Grain, IGuestGrain
{
    public Task RecordSeen(NodeName node, GuestSeen seen, bool quorate) =>
        stored.Replace(GuestMachine.RecordSeen(stored.State, node, seen, quorate, clock.GetUtcNow()), this);

    public Task RecordPatch(OperationRecord operation) => stored.Replace(GuestMachine.RecordPatch(stored.State, operation), this);

    public Task<Outcome<PatchRoute>> Route() => Task.FromResult(GuestMachine.Route(stored.State));

    public Task<GuestState> Get() => Task.FromResult(stored.State);
}
