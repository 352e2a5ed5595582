using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.SignalR;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Domain;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Clusters;
using NannyOrleans.Grains.Guests;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Api.Agents;

/// <summary>Where host agents connect. The token says who is calling; nothing in a message does.</summary>
[Authorize(Policies.Agent)]
internal sealed partial class AgentHub(IGrainFactory grains, AgentConnections connections, ILogger<AgentHub> logger) : Hub
{
    public override async Task OnConnectedAsync()
    {
        var (agent, node) = (Context.User!.AgentId(), Context.User!.NodeKey());
        if (await connections.Attach(Context, agent, node) is { } refusal)
        {
            Log.Refused(logger, node.ToString(), refusal.Message);
            throw new HubException(refusal.Message);
        }
    }

    public override Task OnDisconnectedAsync(Exception? exception) => connections.Detach(Context.ConnectionId);

    /// <summary>Takes an inventory, or what has changed since the last. Returns once what is news in it is stored.</summary>
    public async Task<InventoryAnswer> ReportInventory(Inventory inventory)
    {
        if (inventory is null)
        {
            throw new HubException("The inventory is missing.");
        }

        var node = Context.User!.NodeKey();
        var taken = await grains.GetGrain<INodeGrain>(node.ToString()).RecordInventory(Context.User!.AgentId(), inventory);
        if (taken.Refusal is { Code: InventoryMachine.NeedsWhole })
        {
            return new(NeedsWhole: true);
        }

        Accept(taken.Refusal);
        await grains.GetGrain<IClusterGrain>(node.Cluster.Value).RecordInventory(node.Node, taken.Value!);
        return new(NeedsWhole: false);
    }

    /// <summary>Takes a sample.</summary>
    public async Task ReportMetrics(NodeMetrics metrics)
    {
        if (metrics is null || !metrics.IsSound())
        {
            throw new HubException("The sample has a part missing, or a list or number out of bounds.");
        }

        Accept(await grains.GetGrain<INodeGrain>(Context.User!.NodeKey().ToString()).RecordMetrics(Context.User!.AgentId(), metrics));
    }

    /// <summary>Takes one job report. Returns once it is stored; until then the agent keeps it and sends it again.</summary>
    public async Task ReportJob(JobReport report)
    {
        if (report is null)
        {
            throw new HubException("The report is missing.");
        }

        var node = Context.User!.NodeKey();
        var taken = await grains.GetGrain<INodeGrain>(node.ToString()).TakeReport(Context.User!.AgentId(), report);
        Accept(taken.Refusal);
        if (report.Outcome.IsFinal() && (taken.Value?.Ended ?? await EndedBefore(report, node)) is { } operation)
        {
            // Before the agent is answered: it says a final report again until then, so the cluster hears of it in the end.
            await TellCluster(node, operation);
        }

        Log.JobReported(logger, node.ToString(), report.Id.Value, report.Outcome);
    }

    /// <summary>Takes a piece of what a job prints. The operation looks whether it is one of this agent's node.</summary>
    public async Task ReportOutput(JobOutput output)
    {
        if (output is null || output.Offset < 0 || output.Length is < 1 or > JobOutput.MaxLength)
        {
            throw new HubException("The piece of output has a part missing, or a number out of bounds.");
        }

        var node = Context.User!.NodeKey();
        if (await grains.GetGrain<INodeGrain>(node.ToString()).IsAgent(Context.User!.AgentId()))
        {
            await grains.GetGrain<IOperationGrain>(output.Id.Value).TakeOutput(node, output);
        }
    }

    // A report that is said again: the cluster may not have heard of it.
    private async Task<OperationRecord?> EndedBefore(JobReport report, NodeKey node) =>
        await grains.GetGrain<IOperationGrain>(report.Id.Value).Get() is { } operation && operation.Cluster == node.Cluster && operation.Node == node.Node ? operation : null;

    private async Task TellCluster(NodeKey node, OperationRecord operation)
    {
        var cluster = grains.GetGrain<IClusterGrain>(node.Cluster.Value);
        if (operation.Vmid is not { } vmid)
        {
            var inventory = operation.Mode is PatchMode.Apply ? await grains.GetGrain<INodeGrain>(node.ToString()).Inventory() : null;
            if (inventory?.Report is not null)
            {
                await cluster.RecordInventory(node.Node, inventory); // what of it is in doubt now
            }
        }
        else if ((await grains.GetGrain<IGuestGrain>(new GuestKey(node.Cluster, vmid).ToString()).Get()).Patches is { } patches)
        {
            await cluster.RecordPatch(vmid, patches);
        }
    }

    private static void Accept(Refusal? refusal)
    {
        if (refusal is not null)
        {
            throw new HubException(refusal.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(5001, LogLevel.Warning, "Node {Node}: agent refused: {Reason}")]
        public static partial void Refused(ILogger logger, string node, string reason);

        [LoggerMessage(5002, LogLevel.Information, "Node {Node}: job {Job} is {Outcome}")]
        public static partial void JobReported(ILogger logger, string node, string job, JobOutcome outcome);
    }
}
