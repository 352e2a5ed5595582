using NannyOrleans.Domain;
using NannyOrleans.Domain.Access;
using NannyOrleans.Domain.Batches;
using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Batches;
using NannyOrleans.Grains.Fleet;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Grains.Scripts;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Grains.Campaigns;

/// <summary>Has a campaign's work done by operations and batches, each under the id the campaign gave it, so that asking twice is asking once.</summary>
internal sealed class CampaignWorkers(ClusterId cluster, IGrainFactory grains, ScriptKeys keys, TimeProvider clock)
{
    private readonly Dictionary<JobId, WorkEnd> refused = [];

    /// <summary>How work ended; null while it has not, or was never asked for.</summary>
    /// <param name="work">The work.</param>
    /// <param name="isLate">Whether it must not be begun any more: what waits for its turn is taken back.</param>
    public async Task<WorkEnd?> End(CampaignWork work, bool isLate)
    {
        if (refused.TryGetValue(work.Job, out var refusal))
        {
            return refusal;
        }

        if (work.Kind is WorkKind.PatchGuests)
        {
            return await grains.GetGrain<IBatchGrain>(work.Job.Value).Get() is { IsDone: true } batch ? Of(batch) : null;
        }

        if (await Operation(work).Get() is not { } operation)
        {
            return null;
        }

        if (isLate && operation.Status is OperationStatus.Pending)
        {
            await Cancel(work);
            operation = await Operation(work).Get() ?? operation;
        }

        return CampaignJobs.End(operation);
    }

    /// <summary>Whether work is known to have been asked for.</summary>
    public async Task<bool> IsAsked(CampaignWork work) => work.Kind is WorkKind.PatchGuests
        ? await grains.GetGrain<IBatchGrain>(work.Job.Value).Get() is not null
        : await Operation(work).Get() is not null;

    /// <summary>Asks for work, unless it was asked for before. What can't be asked for now is asked for again later; what never can has ended.</summary>
    public async Task Begin(CampaignState campaign, CampaignWork work, ClusterPicture picture, DateTimeOffset now)
    {
        // An ended one must not be queued again.
        if (refused.ContainsKey(work.Job) || await IsAsked(work))
        {
            return;
        }

        switch (work.Kind)
        {
            case WorkKind.PatchGuests:
                await PatchGuests(campaign, work, now);
                break;
            case WorkKind.PatchNode:
                await PatchNode(campaign, work, picture, now);
                break;
            default:
                Take(work, (await grains.Queue(CampaignJobs.Of(cluster, campaign, work, picture, now))).Refusal);
                break;
        }
    }

    /// <summary>Ends work that was asked for, where it can be ended.</summary>
    public Task Cancel(CampaignWork work) => work.Kind is WorkKind.PatchGuests
        ? grains.GetGrain<IBatchGrain>(work.Job.Value).Cancel()
        : grains.GetGrain<INodeGrain>(new NodeKey(cluster, work.Via).ToString()).Cancel(work.Job);

    private async Task PatchNode(CampaignState campaign, CampaignWork work, ClusterPicture picture, DateTimeOffset now)
    {
        var target = picture.Find(work.Via)?.Agent is { } agent ? (await grains.Find(agent.Value, Sight.All)).SingleOrDefault(one => one.Node.Name == work.Via && one.Cluster == cluster) : null;
        if (target is null)
        {
            return; // its conditions will say what is wrong with it
        }

        PinnedPlan? plan = null;
        if (campaign.Order!.Plans?.GetValueOrDefault(work.Via) is { } id && id != default)
        {
            var pinned = PinnedPlan.Of(id, await grains.GetGrain<IOperationGrain>(id.Value).Get(), target.Id);
            if (pinned.IsRefused)
            {
                Take(work, pinned.Refusal);
                return;
            }

            plan = pinned.Value;
        }

        var entry = await grains.PreparePatch(keys, work.Job, target, CampaignJobs.Patch(campaign, plan), now);
        Take(work, entry.IsRefused ? entry.Refusal : (await grains.Queue(entry.Value)).Refusal);
    }

    private async Task PatchGuests(CampaignState campaign, CampaignWork work, DateTimeOffset now)
    {
        var view = await grains.ReadCluster(cluster, Sight.All);
        if (GuestPatches.Of(campaign.Order!, view?.Nodes.FirstOrDefault(one => one.Name == work.Via)) is not { } guests)
        {
            return;
        }

        BatchTarget[] targets = [.. await Task.WhenAll(guests.Where(guest => guest.Target is not null).Select(guest => Target(guest, now)))];
        if (targets is [])
        {
            refused[work.Job] = new(true, null); // nothing to do is done; after a restart it is found out anew
            return;
        }

        await grains.GetGrain<IBatchGrain>(work.Job.Value).Start(new()
        {
            Id = work.Job,
            Order = CampaignJobs.Patch(campaign, plan: null),
            CreatedAt = clock.GetUtcNow(),
            Targets = targets,
        });
    }

    // An agent inside a VM is a machine of its own, elsewhere in the fleet.
    private async Task<BatchTarget> Target(GuestPatch guest, DateTimeOffset now)
    {
        var operation = JobId.Parse(Ulid.NewUlid(now).ToString());
        return guest.Target == TopologyView.GuestId(cluster, guest.Type, guest.Vmid)
            ? new(operation, guest.Target, cluster, guest.Vmid, null, BatchStep.Waiting, null)
            : await grains.Find(guest.Target!, Sight.All) is [var machine]
                ? new(operation, guest.Target!, machine.Cluster, null, machine.Node.Name, BatchStep.Waiting, null)
                : new(operation, guest.Target!, null, null, null, BatchStep.Refused, new("not-found", $"The agent inside VM {guest.Vmid} is not known any more."));
    }

    private void Take(CampaignWork work, Refusal? refusal)
    {
        // A full outbox empties.
        if (refusal is { Code: not "outbox-full" })
        {
            refused[work.Job] = new(false, refusal.Message);
        }
    }

    private static WorkEnd Of(BatchProgress batch)
    {
        var failed = batch.Batch.Targets.Zip(batch.Statuses).Where(one => one.Second is not OperationStatus.Succeeded).Select(one => one.First).ToArray();
        return failed is []
            ? new(true, null)
            : new(false, $"{failed.Length} of {batch.Batch.Targets.Count} guests were not patched (batch {batch.Batch.Id}): {string.Join(", ", failed.Take(5).Select(target => target.AgentId))}{(failed.Length > 5 ? ", …" : string.Empty)}.");
    }

    private IOperationGrain Operation(CampaignWork work) => grains.GetGrain<IOperationGrain>(work.Job.Value);
}
