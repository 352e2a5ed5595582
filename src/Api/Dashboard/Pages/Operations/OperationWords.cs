using NannyOrleans.Api.Dashboard.Shell;

namespace NannyOrleans.Api.Dashboard.Pages.Operations;

/// <summary>How operations' states are meant.</summary>
internal static class OperationWords
{
    /// <summary>How a status is meant. One that nobody knows here is not taken for a good one.</summary>
    public static Mood MoodOf(string status) => status switch
    {
        "succeeded" or "completed" or "done" => Mood.Good,
        "running" => Mood.Busy,
        "pending" or "waiting" => Mood.Waiting,
        "failed" or "timeout" or "refused" => Mood.Bad,
        "interrupted" => Mood.Warning,
        "cancelled" or "dropped" => Mood.Neutral,
        _ => Mood.Unknown,
    };

    /// <summary>What an operation does, in words.</summary>
    public static string WhatOf(OperationEntry operation, string? kind) => (kind, operation.Mode) switch
    {
        ("patch", "dry-run") => "Dry run",
        ("patch", "apply") => "Apply",
        ("patch", _) => "Patch",
        ("reboot", _) => "Restart",
        ("diagnosis", _) => "Diagnosis",
        _ => Show.Unknown,
    };

    /// <summary>What came of it, in a few words; null while nothing is known.</summary>
    public static string? ResultOf(OperationEntry operation) => operation switch
    {
        { Failure: { } failure } => failure.Message,
        { IsOver: false, CancelRequested: true } => "It is being cancelled.",
        { IsOver: false, WaitingFor: { } waits } => waits,
        { Packages: null } => null,
        { Packages.Count: 0 } => "nothing to do",
        { Packages: { } packages } => $"{Show.Count(packages.Count, "package")}{(packages.Count(package => package.Security) is > 0 and var security ? $", {Show.Number(security)} for security" : string.Empty)}",
    };

    /// <summary>What to ask for to have the same listed anew: what exceptions add, those of then will add.</summary>
    public static IReadOnlyList<string> OwnExclusions(OperationEntry operation) => [.. operation.Exclusions.Except(operation.Exceptions.SelectMany(one => one.PackageNames), StringComparer.Ordinal)];
}
