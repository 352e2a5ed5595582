using NannyOrleans.Domain;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Grains.Telemetry;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Api.Telemetry;

/// <summary>The first line of each operation that a person asks for: the same id is in those of the grains, the hub and the agent.</summary>
internal sealed partial class OperationLog(IGrainFactory grains, ILogger<OperationLog> logger)
{
    /// <summary>Says that it was asked for, and queues it. The line is there also when nobody knows whether it is queued.</summary>
    public async Task<Outcome<OperationRecord>> Queue(OutboxEntry entry)
    {
        using var scope = OperationScope.Begin(logger, entry.Operation);
        LogAsked(entry.Operation.RequestedBy, entry.Operation.Kind, entry.Operation.Target, entry.Operation.Id);
        return await grains.Queue(entry);
    }

    [LoggerMessage(5201, LogLevel.Information, "{Person} asks for a {Kind} of {Target}: operation {Operation}", EventName = "OperationAsked")]
    private partial void LogAsked(string person, OperationKind kind, string target, JobId operation);
}
