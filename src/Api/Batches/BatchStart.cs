using NannyOrleans.Api.Accounts;
using NannyOrleans.Api.Http;
using NannyOrleans.Api.Patches;
using NannyOrleans.Domain;
using NannyOrleans.Domain.Access;
using NannyOrleans.Domain.Batches;
using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Batches;
using NannyOrleans.Grains.Fleet;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Api.Batches;

/// <summary>From a request for many to a batch whose targets are fixed.</summary>
internal static class BatchStart
{
    /// <summary>Starts the batch, or says with a validation problem or another why not.</summary>
    public static async Task<(BatchView? Batch, IResult? Problem)> Start(PatchRequest request, JobId id, PatchOrder order, Requester who, IGrainFactory grains, DateTimeOffset now)
    {
        var known = Places(await grains.ReadTopology(Sight.All), who);
        List<BatchTarget> targets;
        if (request.Filter is { } filter)
        {
            var found = await grains.List(new(filter, Sort: null, Take: BatchState.MaxTargets, Deleted: false), who.Reach);
            if (found.Total is 0 or > BatchState.MaxTargets)
            {
                return (null, Problems.Invalid(new Dictionary<string, string[]>
                {
                    ["filter"] = [found.Total is 0 ? "It matches nothing." : $"It matches {found.Total}; {BatchState.MaxTargets} is the most."],
                }));
            }

            targets = [.. found.Rows.Select(row => Target(row.Id, known, now))];
        }
        else
        {
            targets = [];
            foreach (var text in request.AgentIds!.Select(text => text!.Trim()).Distinct(StringComparer.Ordinal))
            {
                targets.Add(known.ContainsKey(text) ? Target(text, known, now) : await Resolve(text, who, grains, known, now));
            }

            // Two forms of one id are one target.
            targets = [.. targets.DistinctBy(target => (target.AgentId, target.Step))];
        }

        var batch = new BatchState { Id = id, Order = order, CreatedAt = now, Targets = targets };
        try
        {
            await grains.GetGrain<IBatchGrain>(id.Value).Start(batch);
        }
        catch (Exception failure) when (Problems.IsUnavailable(failure))
        {
            // It may be stored and started all the same.
            return (null, TypedResults.Problem(Problems.UnknownOutcome(id, BatchEndpoints.Path)));
        }

        return (BatchView.Of(new(batch, new OperationStatus?[targets.Count])), null);
    }

    private static async Task<BatchTarget> Resolve(string text, Requester who, IGrainFactory grains, IReadOnlyDictionary<string, Place> known, DateTimeOffset now) => await grains.Find(text, who.Sight) switch
    {
        [var one] => Target(one.Id, known, now) is { Step: BatchStep.Waiting } target ? target : Refused(text, new("not-found", $"There is no host or guest '{text}'."), now),
        [] => Refused(text, new("not-found", $"There is no host or guest '{text}'."), now),
        var several => Refused(text, new("ambiguous-id", $"'{text}' means more than one thing: {string.Join(", ", several.Take(10).Select(one => one.Id))}."), now),
    };

    private static BatchTarget Target(string id, IReadOnlyDictionary<string, Place> known, DateTimeOffset now) => known.TryGetValue(id, out var place)
        ? !place.Allowed ? Refused(id, new("forbidden", $"It needs the permission to operate on {place.Cluster}, and on a machine that is inside."), now) : new(NewId(now), id, place.Cluster, place.Vmid, place.Vmid is null ? place.Node : null, BatchStep.Waiting, null)
        : Refused(id, new("not-found", $"There is no host or guest '{id}'."), now);

    private static BatchTarget Refused(string text, Refusal why, DateTimeOffset now) => new(NewId(now), text, null, null, null, BatchStep.Refused, why);

    private static JobId NewId(DateTimeOffset now) => JobId.Parse(Ulid.NewUlid(now).ToString());

    // Of what is seen alone; but what is inside a VM may be a machine that is not.
    private static Dictionary<string, Place> Places(Topology topology, Requester who)
    {
        var places = new Dictionary<string, Place>(StringComparer.Ordinal);
        var machines = topology.Standalone.Where(machine => machine.Node.Agent is not null).ToDictionary(machine => machine.Node.Agent!.Value, machine => machine.Id);
        foreach (var (cluster, node) in topology.Clusters.SelectMany(cluster => cluster.Nodes.Select(node => (cluster.Id, node))).Concat(topology.Standalone.Select(machine => (machine.Id, machine.Node))))
        {
            if (!who.Sight.Sees(cluster))
            {
                continue;
            }

            if (node.Agent is { } agent)
            {
                places[agent.Value] = new(cluster, node.Name, null, who.Reach.Sees(cluster));
            }

            foreach (var guest in node.Guests ?? [])
            {
                var inside = guest.Agent is { } own && machines.TryGetValue(own, out var machine) ? machine : cluster;
                places[guest.Id] = new(cluster, node.Name, guest.Vmid, who.Reach.Sees(cluster) && who.Reach.Sees(inside));
            }
        }

        return places;
    }

    private sealed record Place(ClusterId Cluster, NodeName Node, Vmid? Vmid, bool Allowed);
}
