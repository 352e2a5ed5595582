using NannyOrleans.Grains.Fleet;

namespace NannyOrleans.Silo.Health;

/// <summary>Whether the silo cluster answers: a silo knows its own place in it, a client asks the smallest grain there is.</summary>
internal sealed class SiloCheck(IServiceProvider services, IGrainFactory grains, TimeProvider clock, ILogger<SiloCheck> logger) : BoundedCheck(clock, logger)
{
    protected override string Subject => "The silo cluster";

    // A call to a silo that has died comes back after half a minute; one that is made in the meantime finds another silo.
    protected override int AtOnce => 20;

    protected override async Task<string?> Look(CancellationToken cancellationToken)
    {
        if (services.GetService<ISiloStatusOracle>() is { } membership)
        {
            return membership.CurrentStatus is SiloStatus.Active ? null : "This silo is not an active member of its cluster.";
        }

        _ = await grains.GetGrain<IFleetGrain>(0).Clusters();
        return null;
    }
}
