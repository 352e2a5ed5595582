using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Exceptions;

/// <summary>The decisions about all package exceptions. A list that changes nothing is given back as it is.</summary>
public static class PackageExceptions
{
    /// <summary>The most exceptions there may be; they are read and written as one.</summary>
    public const int MaxCount = 2000;

    /// <summary>The most package names in all of them together.</summary>
    public const int MaxNames = 20_000;

    /// <summary>How long an expired one is still shown, so that a person sees why an update came through.</summary>
    public static readonly TimeSpan ExpiredKept = TimeSpan.FromDays(30);

    /// <summary>Adds one. The same id again changes nothing.</summary>
    public static Outcome<IReadOnlyList<ExceptionRecord>> Add(IReadOnlyList<ExceptionRecord> known, ExceptionRecord added, DateTimeOffset now)
    {
        var kept = Prune(known, now);
        return known.Any(one => one.Id == added.Id) ? new Outcome<IReadOnlyList<ExceptionRecord>>(known, null) : Bounded([.. kept, added]);
    }

    /// <summary>Changes one; refused when there is none of this id.</summary>
    public static Outcome<IReadOnlyList<ExceptionRecord>> Change(IReadOnlyList<ExceptionRecord> known, ExceptionId id, PackageExceptionChange change, DateTimeOffset now)
    {
        var kept = Prune(known, now);
        return kept.Any(one => one.Id == id)
            ? Bounded([.. kept.Select(one => one.Id == id ? Apply(one, change) : one)])
            : new Refusal(Unknown, $"There is no package exception '{id}'.");
    }

    /// <summary>Takes one back. One that is not there changes nothing.</summary>
    public static IReadOnlyList<ExceptionRecord> Remove(IReadOnlyList<ExceptionRecord> known, ExceptionId id) =>
        known.Any(one => one.Id == id) ? [.. known.Where(one => one.Id != id)] : known;

    /// <summary>What is still there: what expired more than <see cref="ExpiredKept"/> ago is gone.</summary>
    public static IReadOnlyList<ExceptionRecord> Prune(IReadOnlyList<ExceptionRecord> known, DateTimeOffset now) =>
        known.Any(one => IsGone(one, now)) ? [.. known.Where(one => !IsGone(one, now))] : known;

    /// <summary>Those that hold for a target at a time.</summary>
    public static IReadOnlyList<ExceptionRecord> For(IReadOnlyList<ExceptionRecord> known, ExceptionTarget target, DateTimeOffset now) =>
        [.. known.Where(one => one.Target == target && !one.IsExpired(now))];

    /// <summary>
    /// An operation that is about to be queued, with the exceptions that hold for its target: its job leaves their packages alone too, and
    /// its record says which they were.
    /// </summary>
    public static Outcome<OutboxEntry> Merge(OutboxEntry entry, IReadOnlyList<ExceptionRecord> holding)
    {
        if (holding.Count is 0 || entry.Job is not PatchJob job)
        {
            return entry;
        }

        string[] exclusions = [.. job.Exclusions.Concat(holding.SelectMany(one => one.PackageNames)).Distinct(StringComparer.Ordinal)];
        return exclusions.Length > PackagePattern.MaxCount
            ? new Refusal("too-many-exclusions", $"With the package exceptions that hold for it {exclusions.Length} packages would be excluded; {PackagePattern.MaxCount} is the most. Join some of them by a glob.")
            : entry with
            {
                Job = job with { Exclusions = exclusions },
                Operation = entry.Operation with
                {
                    Exclusions = exclusions,
                    Exceptions = [.. holding.Select(one => new PackageExceptionApplied(one.Id.Value, one.PackageNames, one.Reason))],
                },
            };
    }

    /// <summary>The refusal of an id that there is not.</summary>
    public const string Unknown = "unknown-exception";

    private static ExceptionRecord Apply(ExceptionRecord before, PackageExceptionChange change) => before with
    {
        PackageNames = change.PackageNames ?? before.PackageNames,
        Reason = change.Reason is { } reason ? reason.To : before.Reason,
        ExpiresAt = change.ExpiresAt is { } end ? end.To : before.ExpiresAt,
    };

    private static Outcome<IReadOnlyList<ExceptionRecord>> Bounded(IReadOnlyList<ExceptionRecord> next) =>
        next.Count > MaxCount ? new Refusal("too-many-exceptions", $"There are {MaxCount} package exceptions, which is the most. Delete some first.")
        : next.Sum(one => one.PackageNames.Count) > MaxNames ? new Refusal("too-many-exceptions", $"All package exceptions together may name {MaxNames} packages. Delete some first, or use globs.")
        : new Outcome<IReadOnlyList<ExceptionRecord>>(next, null);

    private static bool IsGone(ExceptionRecord one, DateTimeOffset now) => one.ExpiresAt is { } end && now - end > ExpiredKept;
}
