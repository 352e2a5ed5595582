using System.Collections.Frozen;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Text.Json;
using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Grains.Telemetry;

/// <summary>
/// What the control plane counts, named by OpenTelemetry's conventions. An attribute has a few values, all of them ours: never an id, a name, or
/// a word that a guest said. Each value is a series that is kept as long as the process lives.
/// </summary>
public sealed class Instruments
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "NannyOrleans";

    /// <summary>Attribute: patch, reboot, diagnosis or campaign-step.</summary>
    public const string OperationKind = "nanny.operation.kind";

    /// <summary>Attribute: the operation's status.</summary>
    public const string OperationStatus = "nanny.operation.status";

    /// <summary>Attribute: the campaign's state.</summary>
    public const string CampaignState = "nanny.campaign.state";

    private readonly Counter<long> sent;
    private readonly Counter<long> ended;
    private readonly Histogram<double> duration;
    private readonly Counter<long> campaigns;
    private readonly Counter<long> messages;
    private readonly Counter<long> unstored;

    /// <summary>Makes them.</summary>
    public Instruments(IMeterFactory meters)
    {
        Meter = meters.Create(MeterName);
        sent = Meter.CreateCounter<long>("nanny.jobs.sent", "{job}", "Jobs sent down an agent's connection; one that is sent again counts again.");
        ended = Meter.CreateCounter<long>("nanny.jobs.ended", "{job}", "Jobs whose end is stored.");
        duration = Meter.CreateHistogram<double>("nanny.operation.duration", "s", "From the request to the stored end, by the server's clock.", advice: new() { HistogramBucketBoundaries = Seconds });
        campaigns = Meter.CreateCounter<long>("nanny.campaign.changes", "{change}", "Campaigns that have come into a state: halts are those into halted.");
        messages = Meter.CreateCounter<long>("nanny.hub.messages", "{message}", "Messages of agents, answered.");
        unstored = Meter.CreateCounter<long>("nanny.history.write.failures", "{write}", "Writes of operations, campaigns and the audit log that failed.");
    }

    /// <summary>For figures that are read when somebody asks.</summary>
    public Meter Meter { get; }

    /// <summary>A job goes to its agent.</summary>
    public void Sent(OperationRecord operation) => sent.Add(1, Of(operation));

    /// <summary>The end of an operation is stored.</summary>
    /// <param name="operation">The operation as stored.</param>
    /// <param name="now">When.</param>
    public void Ended(OperationRecord operation, DateTimeOffset now)
    {
        var tags = Of(operation);
        duration.Record((now - operation.CreatedAt).TotalSeconds, tags);
        tags.Add(OperationStatus, Word(operation.Status));
        ended.Add(1, tags);
    }

    /// <summary>A campaign has come into another state.</summary>
    public void Changed(CampaignStatus status) => campaigns.Add(1, new KeyValuePair<string, object?>(CampaignState, Word(status)));

    /// <summary>A message of an agent was answered.</summary>
    /// <param name="method">The hub's method; one that is not there counts nowhere.</param>
    /// <param name="answer">How.</param>
    public void Answered(string method, HubAnswer answer) =>
        messages.Add(1, new("nanny.hub.method", method), new KeyValuePair<string, object?>("nanny.hub.answer", Word(answer)));

    /// <summary>A write to the history failed.</summary>
    public void NotStored() => unstored.Add(1);

    /// <summary>How a value is written: <c>campaign-step</c>.</summary>
    public static string Word<T>(T value)
        where T : struct, Enum => Words<T>.All[value];

    private static TagList Of(OperationRecord operation)
    {
        TagList tags = [new(OperationKind, Word(operation.Kind))];
        if (operation.Mode is { } mode)
        {
            tags.Add("nanny.patch.mode", Word<PatchMode>(mode));
        }

        return tags;
    }

    // From a dry run in a container to a host's reboot.
    private static readonly double[] Seconds = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600];

    private static class Words<T>
        where T : struct, Enum
    {
        public static readonly FrozenDictionary<T, string> All = Enum.GetValues<T>().ToFrozenDictionary(value => value, value => JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString()));
    }
}

/// <summary>How a message of an agent was answered.</summary>
public enum HubAnswer
{
    /// <summary>It was taken.</summary>
    Taken,

    /// <summary>It was refused, with a reason.</summary>
    Refused,

    /// <summary>The control plane could not take it; the agent says it again.</summary>
    Failed,
}
