using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.SignalR;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Domain;
using NannyOrleans.Grains.Clusters;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

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

    /// <summary>Takes an inventory. Returns once it is stored.</summary>
    public async Task ReportInventory(Inventory inventory)
    {
        if (inventory is null || inventory.HasGaps() || inventory.IsTooLong() || inventory.IntervalSeconds is < 1 or > 86400)
        {
            throw new HubException("The inventory has a part missing, or a list or number out of bounds.");
        }

        var node = Context.User!.NodeKey();
        Accept(await grains.GetGrain<INodeGrain>(node.ToString()).RecordInventory(Context.User!.AgentId(), inventory));
        await grains.GetGrain<IClusterGrain>(node.Cluster.Value).RecordInventory(node.Node, inventory);
    }

    /// <summary>Takes one job report. Returns once it is stored; until then the agent keeps it and sends it again.</summary>
    public async Task ReportJob(JobReport report)
    {
        if (report is null)
        {
            throw new HubException("The report is missing.");
        }

        var node = Context.User!.NodeKey();
        Accept(await grains.GetGrain<INodeGrain>(node.ToString()).Report(Context.User!.AgentId(), report));
        Log.JobReported(logger, node.ToString(), report.Id.Value, report.Outcome);
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
