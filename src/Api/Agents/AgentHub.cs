using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.SignalR;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Api.Audit;
using NannyOrleans.Domain;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Clusters;
using NannyOrleans.Grains.Guests;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Api.Agents;

/// <summary>Where host agents connect. The token says who is calling; nothing in a message does.</summary>
[Authorize(Policies.Agent)]
internal sealed partial class AgentHub(IGrainFactory grains, AgentConnections connections, Refusals refusals, ILogger<AgentHub> logger) : Hub
{
    public override async Task OnConnectedAsync()
    {
        var (agent, node) = (Context.User!.AgentId(), Context.User!.NodeKey());
        Context.Items[typeof(Caller)] = new Caller(agent, node, grains.GetGrain<INodeGrain>(node.ToString()), grains.GetGrain<IClusterGrain>(node.Cluster.Value));
        if (await connections.Attach(Context, agent, node) is { } refusal)
        {
            Log.Refused(logger, node.ToString(), refusal.Message);
            await Note(refusal, "connect-agent");
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

        var caller = Of(Context);
        var taken = await caller.Node.RecordInventory(caller.Agent, inventory);
        if (taken.Refusal is { Code: InventoryMachine.NeedsWhole })
        {
            return new(NeedsWhole: true);
        }

        await Accept(taken.Refusal, action: null);
        await caller.Cluster.RecordInventory(caller.Key.Node, taken.Value!);
        return new(NeedsWhole: false);
    }

    /// <summary>Takes a sample.</summary>
    public async Task ReportMetrics(NodeMetrics metrics)
    {
        if (metrics is null || !metrics.IsSound())
        {
            throw new HubException("The sample has a part missing, or a list or number out of bounds.");
        }

        var caller = Of(Context);
        await Accept(await caller.Node.RecordMetrics(caller.Agent, metrics), "report-metrics");
    }

    /// <summary>Takes one job report. Returns once it is stored; until then the agent keeps it and sends it again.</summary>
    public async Task ReportJob(JobReport report)
    {
        if (report is null)
        {
            throw new HubException("The report is missing.");
        }

        var caller = Of(Context);
        var taken = await caller.Node.TakeReport(caller.Agent, report);
        await Accept(taken.Refusal, "report-job");
        if (report.Outcome.IsFinal() && (taken.Value is { Ended: not null } ended ? ended : await EndedBefore(report, caller.Key)) is { } told)
        {
            // Before the agent is answered: it says a final report again until then, so the cluster hears of it in the end.
            await TellCluster(caller, told);
        }

        Log.JobReported(logger, caller.Key, report.Id, report.Outcome);
    }

    /// <summary>Takes a piece of what a job prints. The operation looks whether it is one of this agent's node.</summary>
    public async Task ReportOutput(JobOutput output)
    {
        if (output is null || output.Offset < 0 || output.Length is < 1 or > JobOutput.MaxLength)
        {
            throw new HubException("The piece of output has a part missing, or a number out of bounds.");
        }

        var caller = Of(Context);
        if (await caller.Node.IsAgent(caller.Agent))
        {
            await grains.GetGrain<IOperationGrain>(output.Id.Value).TakeOutput(caller.Key, output);
        }
    }

    // A report that is said again: the cluster may not have heard of it.
    private async Task<TakenReport?> EndedBefore(JobReport report, NodeKey node)
    {
        if (await grains.GetGrain<IOperationGrain>(report.Id.Value).Get() is not { } operation || operation.Cluster != node.Cluster || operation.Node != node.Node)
        {
            return null;
        }

        return new(operation, operation.Vmid is { } vmid ? (await grains.GetGrain<IGuestGrain>(new GuestKey(node.Cluster, vmid).ToString()).Get()).Patches : null);
    }

    private static async Task TellCluster(Caller caller, TakenReport taken)
    {
        if (taken is { Ended: { Vmid: null, Mode: PatchMode.Apply } } && await caller.Node.Inventory() is { Report: not null } inventory)
        {
            await caller.Cluster.RecordInventory(caller.Key.Node, inventory); // what of it is in doubt now
        }
        else if (taken is { Ended.Vmid: { } vmid, Patches: { } patches })
        {
            await caller.Cluster.RecordPatch(vmid, patches);
        }
    }

    private Task Note(Refusal refusal, string action)
    {
        var caller = Of(Context);
        return refusals.Note(new($"agent {caller.Agent}", action, caller.Key.ToString(), Audited.Address(Context.GetHttpContext()), refusal.Code), refusal.Message);
    }

    private static Caller Of(HubCallerContext context) => (Caller)context.Items[typeof(Caller)]!;

    // Of inventories the node itself writes down what is refused: an honest host says the same each five minutes.
    private async Task Accept(Refusal? refusal, string? action)
    {
        if (refusal is not null)
        {
            await (action is null ? Task.CompletedTask : Note(refusal, action));
            throw new HubException(refusal.Message);
        }
    }

    /// <summary>Who is at the other end: what the token says, read once for each connection, and the grains that are told of all it says.</summary>
    private sealed record Caller(AgentId Agent, NodeKey Key, INodeGrain Node, IClusterGrain Cluster);

    private static partial class Log
    {
        [LoggerMessage(5001, LogLevel.Warning, "Node {Node}: agent refused: {Reason}")]
        public static partial void Refused(ILogger logger, string node, string reason);

        [LoggerMessage(5002, LogLevel.Information, "Node {Node}: job {Job} is {Outcome}")]
        public static partial void JobReported(ILogger logger, NodeKey node, JobId job, JobOutcome outcome);
    }
}
