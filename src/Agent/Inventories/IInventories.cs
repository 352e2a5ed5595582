using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Agent.Inventories;

/// <summary>Collects what this host says about itself: a Proxmox VE host and its guests, or a machine outside Proxmox VE.</summary>
internal interface IInventories
{
    /// <summary>One full inventory. What cannot be read is a problem in it, never an exception and never a guess.</summary>
    Task<CollectedInventory> Collect(CancellationToken cancellationToken);

    /// <summary>Has a guest looked at as if it were new, or all of them.</summary>
    void Forget(Vmid? vmid);
}
