using System.Diagnostics;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Grains.Telemetry;

/// <summary>
/// A job's part of the trace of the request it began with. Its agent knows nothing of traces, and its end may come days and several servers
/// later: the request's trace is stored with the job. Where nobody records, nothing of this happens.
/// </summary>
public static class Traces
{
    /// <summary>The source's name.</summary>
    public const string SourceName = "NannyOrleans";

    private const string OperationId = "nanny.operation.id";
    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>Where the present request is in its trace (W3C); null when nobody records it.</summary>
    public static string? Here => Source.HasListeners() && Activity.Current is { IdFormat: ActivityIdFormat.W3C } here ? here.Id : null;

    /// <summary>Says of the present request which operation it is about.</summary>
    public static void Mark(OperationRecord operation)
    {
        if (Source.HasListeners())
        {
            Tag(Activity.Current, operation);
        }
    }

    /// <summary>The job goes to its agent.</summary>
    public static Activity? Sending(OutboxEntry entry) => Start("send job", ActivityKind.Producer, entry);

    /// <summary>
    /// The agent has said something of the job. In its own trace, beside that of the message it came with. With its end comes the time it
    /// took at the host, by the host's clock.
    /// </summary>
    public static Activity? Reported(OutboxEntry entry, JobReport report)
    {
        if (!Source.HasListeners())
        {
            return null;
        }

        if (report is { StartedAt: { } started, CompletedAt: { } completed } && report.Outcome.IsFinal())
        {
            using var ran = Start("run job", ActivityKind.Internal, entry, started);
            ran?.SetEndTime(completed.UtcDateTime);
        }

        return Start("report job", ActivityKind.Consumer, entry)?.SetTag("nanny.job.outcome", Instruments.Word(report.Outcome));
    }

    private static Activity? Start(string name, ActivityKind kind, OutboxEntry entry, DateTimeOffset at = default)
    {
        if (!Source.HasListeners())
        {
            return null;
        }

        var here = Activity.Current?.Context ?? default;
        var (parent, beside) = ActivityContext.TryParse(entry.Trace, null, isRemote: true, out var request) ? (request, here) : (here, default);
        var activity = Source.StartActivity(name, kind, parent, links: beside == default || beside.TraceId == parent.TraceId ? null : [new(beside)], startTime: at);
        Tag(activity, entry.Operation);
        return activity;
    }

    private static void Tag(Activity? activity, OperationRecord operation)
    {
        activity?.SetTag(OperationId, operation.Id.Value);
        activity?.SetTag(Instruments.OperationKind, Instruments.Word(operation.Kind));
        if (operation.Campaign is { } campaign)
        {
            activity?.SetTag("nanny.campaign.id", campaign.Value);
        }
    }
}
