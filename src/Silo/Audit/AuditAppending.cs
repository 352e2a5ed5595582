using System.Data.Common;
using System.Globalization;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using NannyOrleans.Grains;
using NannyOrleans.Grains.History;
using NannyOrleans.Silo.History;

namespace NannyOrleans.Silo.Audit;

/// <summary>Hangs entries to the end of the log, within a transaction that somebody else commits.</summary>
internal sealed partial class AuditAppending(AuditKey key, ILogger<AuditAppending> logger)
{
    private long last;

    /// <summary>Where the log ends; null when nothing has been written yet.</summary>
    public static async Task<AuditHead?> Head(HistoryDb database, bool forUpdate = false, CancellationToken cancellationToken = default)
    {
        var rows = forUpdate ? database.AuditHeads.FromSqlRaw(database.HeadForUpdate) : database.AuditHeads;
        var heads = await rows.AsNoTracking().ToListAsync(cancellationToken);
        return heads is [var one] ? new(one.Sequence, one.Hash, one.Seal) : null;
    }

    /// <summary>Adds the entries, all of them or none. Other processes that add some wait until the transaction has ended.</summary>
    /// <returns>The head there will be with the commit.</returns>
    /// <exception cref="NotStoredException">The head is not one that this installation has sealed: whatever was hung to it would vouch for it.</exception>
    public async Task<AuditHead> Append(HistoryDb database, IReadOnlyList<AuditEntry> entries)
    {
        var head = await Head(database, forUpdate: true);
        if (head is not null && !AuditChain.IsSealed(key, head))
        {
            throw new NotStoredException($"The head of the audit log, {head}, was not sealed with {AuditKey.File} of this installation. Nothing is added to it; see `audit verify`.");
        }

        if ((head?.Sequence ?? 0) < Volatile.Read(ref last))
        {
            // Said and not refused: so it is after the failover to a replica that had not all of it yet, and the noted heads tell one from the other.
            Log.PutBack(logger, last, head?.Sequence ?? 0);
        }

        var (chained, next) = AuditChain.Append(key, head, entries);
        await using var command = database.Database.GetDbConnection().CreateCommand();
        command.Transaction = database.Database.CurrentTransaction!.GetDbTransaction();
        Write(command, chained, isFirst: head is null, next);
        await command.ExecuteNonQueryAsync();
        return next;
    }

    /// <summary>What <see cref="Append"/> returned is stored; null when it was not called.</summary>
    public void Committed(AuditHead? head)
    {
        if (head is not null)
        {
            Volatile.Write(ref last, head.Sequence);
        }
    }

    // By hand, in one go: tracking rows that are never looked at again costs more than to write them.
    private static void Write(DbCommand command, IReadOnlyList<ChainedEntry> chained, bool isFirst, AuditHead head)
    {
        var text = new StringBuilder("""INSERT INTO "audit_log" ("Sequence", "At", "Actor", "Address", "Action", "Target", "Cluster", "Result", "Detail", "Previous", "Hash") VALUES""");
        foreach (var (sequence, entry, previous, hash) in chained)
        {
            text.Append(command.Parameters.Count is 0 ? " (" : ", (");
            object?[] values = [sequence, entry.At.ToUnixTimeMilliseconds(), entry.Actor, entry.Address, entry.Action, entry.Target, entry.Cluster?.Value, entry.Result, entry.Detail, previous, hash];
            text.AppendJoin(", ", values.Select(Value)).Append(')');
        }

        text.Append(isFirst
            ? $"; INSERT INTO \"audit_head\" (\"Id\", \"Sequence\", \"Hash\", \"Seal\") VALUES ({AuditHeadRow.Only}, {Value(head.Sequence)}, {Value(head.Hash)}, {Value(head.Seal)})"
            : $"; UPDATE \"audit_head\" SET \"Sequence\" = {Value(head.Sequence)}, \"Hash\" = {Value(head.Hash)}, \"Seal\" = {Value(head.Seal)}");
        command.CommandText = text.ToString();

        string Value(object? value)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = string.Create(CultureInfo.InvariantCulture, $"@p{command.Parameters.Count}");
            parameter.Value = value ?? DBNull.Value;
            command.Parameters.Add(parameter);
            return parameter.ParameterName;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(3051, LogLevel.Critical, "The audit log ended at {Known} and ends at {Now} now: its database was put back to an earlier time")]
        public static partial void PutBack(ILogger logger, long known, long now);
    }
}
