using System.Globalization;
using System.Text.Json;
using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.History;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Silo.Audit;

/// <summary>What of operations and campaigns is written down, each in the transaction in which it becomes history.</summary>
internal static class HistoryEntries
{
    /// <summary>An operation that is there now, and will be sent to its agent.</summary>
    public static AuditEntry Queued(OperationRecord operation) => Of(
        operation, operation.CreatedAt, operation is { Batch: null, Campaign: null } ? $"person {operation.RequestedBy}" : AuditEntry.System, "queue-job", "queued", WhatOf(operation));

    /// <summary>An operation that has ended.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="reporter">Who says so, as an actor.</param>
    /// <param name="now">When, by the server's clock.</param>
    public static AuditEntry Ended(OperationRecord operation, string reporter, DateTimeOffset now) => Of(
        operation, now, reporter, "end-job", operation.Failure?.Code ?? Word(operation.Status),
        $"{WhatOf(operation)}: {Word(operation.Status)}{(operation.StartedAt is { } started ? $", started {started:u}" : ", never started")}{(operation.Failure is { } failure ? $": {failure.Message}" : string.Empty)}");

    /// <summary>What an agent says of an operation after its end.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="reporter">Who says so, as an actor.</param>
    /// <param name="now">When, by the server's clock.</param>
    public static AuditEntry Late(OperationRecord operation, string reporter, DateTimeOffset now) => Of(
        operation, now, reporter, "report-late", Word(operation.LateAnswer?.Outcome), $"{WhatOf(operation)}: {operation.LateAnswer?.Detail}");

    /// <summary>Something that has happened in a campaign: a step of a node, a gate that refuses, a person's word, its end.</summary>
    public static AuditEntry Happened(ClusterId cluster, JobId campaign, CampaignEvent happened) => new(
        happened.At,
        AuditEntry.System,
        "campaign-step",
        happened.Node is { } node ? $"{cluster}/{node}" : cluster.Value,
        Shut(happened).Any() ? "gate-refused" : happened.Step is { } step ? Word(step) : "noted",
        $"campaign {campaign}, event {happened.Number.ToString(CultureInfo.InvariantCulture)}: {happened.Text}{string.Concat(Shut(happened).Select(gate => $" {gate.Name}: {gate.Reason}"))}")
    {
        Cluster = cluster,
    };

    private static IEnumerable<GateResult> Shut(CampaignEvent happened) => (happened.Gates ?? []).Where(gate => gate.Verdict is not GateVerdict.Pass);

    private static AuditEntry Of(OperationRecord operation, DateTimeOffset at, string actor, string action, string result, string detail) =>
        new(at, actor, action, operation.Target, result, detail) { Cluster = operation.Cluster };

    private static string WhatOf(OperationRecord operation) => string.Concat(
        $"operation {operation.Id}, {Word(operation.Kind)}",
        operation.Mode is { } mode ? $" {Word(mode)}" : string.Empty,
        operation.Batch is { } batch ? $", batch {batch}" : string.Empty,
        operation.Campaign is { } campaign ? $", campaign {campaign}" : string.Empty,
        operation is { Batch: null, Campaign: null } ? string.Empty : $", asked for by {operation.RequestedBy}",
        operation.Plan is { } plan ? $", plan {plan}" : string.Empty,
        operation.Reason is { } reason ? $", reason: {reason}" : string.Empty);

    // As the API spells it.
    private static string Word<T>(T value) => JsonSerializer.SerializeToElement(value).ToString();
}
