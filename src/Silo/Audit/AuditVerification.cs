using System.Globalization;
using Microsoft.EntityFrameworkCore;
using NannyOrleans.Silo.History;

namespace NannyOrleans.Silo.Audit;

/// <summary>Follows the whole log, some entries at a time, while servers go on writing it. It only reads.</summary>
internal static class AuditVerification
{
    /// <summary>Entries of one query.</summary>
    public const int AtOnce = 5000;

    /// <summary>Looks at all entries there are by the end of it.</summary>
    /// <param name="databases">The history.</param>
    /// <param name="key">The installation's key.</param>
    /// <param name="expected">A head that was noted elsewhere; null without one.</param>
    /// <param name="progress">Is told how many entries have been looked at, and how many there are.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<AuditVerdict> Verify(IDbContextFactory<HistoryDb> databases, AuditKey key, NotedHead? expected, Action<long, long> progress, CancellationToken cancellationToken)
    {
        var check = new AuditCheck(key, expected);
        while (true)
        {
            await using var database = await databases.CreateDbContextAsync(cancellationToken);

            // The head first: what it speaks of was there by then. What comes after it meanwhile is the next turn's.
            var head = await AuditAppending.Head(database, cancellationToken: cancellationToken);
            if (await Follow(database, check, head?.Sequence ?? long.MaxValue, count => progress(count, head?.Sequence ?? count), cancellationToken) is { } problem)
            {
                return new(check.Last, problem, head);
            }

            if (check.End(head) is { } wrong)
            {
                return new(check.Last, wrong, head);
            }

            // A silo writes entries and head at once. Where there are entries and the head, read after them, does not know them, somebody else wrote them.
            var beyond = await database.Audit.MaxAsync(row => (long?)row.Sequence, cancellationToken) ?? 0;
            if (beyond == head!.Sequence)
            {
                return new(check.Last, null, head);
            }

            if (await AuditAppending.Head(database, cancellationToken: cancellationToken) is not { } now || now.Sequence < beyond)
            {
                return new(check.Last, $"it is there, but the head says that the log ends at {head.Sequence}", head);
            }
        }
    }

    private static async Task<string?> Follow(HistoryDb database, AuditCheck check, long to, Action<long> progress, CancellationToken cancellationToken)
    {
        var after = check.Last is 0 ? long.MinValue : check.Last;
        for (var found = AtOnce; found is AtOnce && after < to; progress(check.Last))
        {
            found = 0;
            var rows = database.Audit.AsNoTracking().Where(row => row.Sequence > after && row.Sequence <= to).OrderBy(row => row.Sequence).Take(AtOnce).AsAsyncEnumerable();
            await using var next = rows.GetAsyncEnumerator(cancellationToken);
            while (true)
            {
                ChainedEntry entry;
                try
                {
                    if (!await next.MoveNextAsync())
                    {
                        break;
                    }

                    entry = next.Current.Read();
                }
                catch (Exception unreadable) when (unreadable is FormatException or InvalidCastException or InvalidOperationException or OverflowException)
                {
                    return $"it can't be read: {unreadable.Message}";
                }

                if (check.Next(entry) is { } problem)
                {
                    return problem;
                }

                after = entry.Sequence;
                found++;
            }
        }

        return null;
    }
}

/// <summary>What was found.</summary>
/// <param name="Whole">How many entries are whole, from the first on.</param>
/// <param name="Problem">What is wrong with the next one; null when nothing is.</param>
/// <param name="Head">Where the log ends; null when that is not there.</param>
internal sealed record AuditVerdict(long Whole, string? Problem, AuditHead? Head)
{
    /// <summary>In a person's words.</summary>
    public override string ToString() => Problem is null
        ? $"The audit log is whole: {Counted(Whole)}. It ends at {Head}; noted elsewhere, that is what --expect takes."
        : $"The audit log is broken at entry {(Whole + 1).ToString(CultureInfo.InvariantCulture)}: {Problem}. {Counted(Whole)} before it {(Whole is 1 ? "is" : "are")} whole.";

    private static string Counted(long entries) => entries is 1 ? "1 entry" : string.Create(CultureInfo.InvariantCulture, $"{entries:N0} entries");
}
