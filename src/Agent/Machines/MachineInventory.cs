using NannyOrleans.Agent.Inventories;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Machines;

/// <summary>What a machine outside Proxmox VE says about itself: it has no cluster and no guests. Not for use from two places at once.</summary>
/// <param name="host">The machine.</param>
/// <param name="node">The node it was registered as; a host name that has changed since does not matter.</param>
/// <param name="cluster">The id it was registered with; that it is still this machine is checked at the start.</param>
/// <param name="agentVersion">The agent's own version.</param>
/// <param name="interval">How often it is looked at.</param>
/// <param name="clock">What time it is.</param>
internal sealed class MachineInventory(Host host, NodeName node, ClusterId cluster, string agentVersion, TimeSpan interval, TimeProvider clock) : IInventories
{
    private readonly HostFacts facts = new(host);

    /// <inheritdoc/>
    public Task<CollectedInventory> Collect(CancellationToken cancellationToken)
    {
        var problems = new List<string>();
        var seen = facts.ReadMachine(problems);
        var whole = new Inventory(
            clock.GetUtcNow(), agentVersion, Hostname(problems), PveVersion: null, host.BootId(), Cluster: null, Guests: [], problems.ConvertAll(problem => PlainText.Of(problem, 1000)))
        {
            IntervalSeconds = (int)interval.TotalSeconds,
            Node = node,
            ClusterId = cluster,
            Host = seen,
        };
        return Task.FromResult(new CollectedInventory(whole, Places: null));
    }

    /// <inheritdoc/>
    public void Forget(Vmid? vmid)
    {
        // Nothing of it is remembered.
    }

    private string Hostname(List<string> problems)
    {
        try
        {
            return PlainText.Of(host.Hostname(), 200);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            problems.Add(e.Message);
            return node.Value; // the name it was registered with
        }
    }
}
