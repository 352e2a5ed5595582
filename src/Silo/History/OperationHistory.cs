using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Silo.Audit;

namespace NannyOrleans.Silo.History;

/// <summary>Operations in SQL: a row from the request on, and what was printed once they have ended.</summary>
internal sealed class OperationHistory(IDbContextFactory<HistoryDb> databases, HistoryWrites writes, TimeProvider clock) : IOperationHistory
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public async Task<bool> Begin(OperationRecord operation)
    {
        var isNew = false;
        await writes.Write(async (database, audit) =>
        {
            isNew = await Insert(database, operation, overAlive: false) > 0;
            if (isNew)
            {
                audit.Add(HistoryEntries.Queued(operation));
            }
        });
        return isNew;
    }

    public Task Keep(OperationRecord operation) => operation.Status.IsFinal()
        ? throw new ArgumentException("The operation has ended.", nameof(operation))
        : writes.Write(database => Insert(database, operation, overAlive: true));

    public Task Add(OperationRecord operation, OperationOutput output, string reporter) => operation.CompletedAt is null
        ? throw new ArgumentException("The operation has not ended.", nameof(operation))
        : writes.Write(async (database, audit) =>
        {
            if (await Insert(database, operation, overAlive: true) > 0)
            {
                audit.Add(HistoryEntries.Ended(operation, reporter, clock.GetUtcNow()));
                await database.Database.ExecuteSqlAsync(
                    $"""
                    INSERT INTO "operation_outputs" ("Id", "StandardOutput", "StandardError")
                    VALUES ({operation.Id.Value}, {SqlText.Storable(output.StandardOutput)}, {SqlText.Storable(output.StandardError)})
                    """);
            }
        });

    public Task Amend(OperationRecord operation, string reporter) => writes.Write(async (database, audit) =>
    {
        // Gone if it was pruned meanwhile: then nobody reads it any more.
        if (await database.Operations.FindAsync(operation.Id.Value) is { Completed: not null } row && row.Status == Shown(operation))
        {
            var before = row.Record;
            row.Record = JsonSerializer.Serialize(operation, Json);
            if (before != row.Record)
            {
                audit.Add(HistoryEntries.Late(operation, reporter, clock.GetUtcNow()));
            }
        }
    });

    public async Task<OperationRecord?> Find(string id)
    {
        await using var database = await databases.CreateDbContextAsync();
        var record = await database.Operations.Where(row => row.Id == id).Select(row => row.Record).FirstOrDefaultAsync();
        return record is null ? null : Read(record);
    }

    public async Task<OperationOutput?> FindOutput(string id)
    {
        await using var database = await databases.CreateDbContextAsync();
        return await database.Outputs.Where(row => row.Id == id)
            .Select(row => new OperationOutput(row.StandardOutput, row.StandardError)).FirstOrDefaultAsync();
    }

    public async Task<OperationPage> List(OperationQuery query)
    {
        await using var database = await databases.CreateDbContextAsync();
        var selected = Selected(database.Operations.AsNoTracking(), query);
        var total = await selected.CountAsync();
        var records = await Ordered(selected, query).Skip(query.Skip).Take(query.Take).Select(row => row.Record).ToListAsync();
        return new(total, [.. records.Select(Read)]);
    }

    public async Task<IReadOnlyDictionary<string, OperationStatus>> StatusesOf(JobId batch)
    {
        await using var database = await databases.CreateDbContextAsync();
        return await database.Operations.AsNoTracking().Where(row => row.Batch == batch.Value).Select(row => new { row.Id, row.Status })
            .ToDictionaryAsync(row => row.Id, row => Enum.Parse<OperationStatus>(row.Status));
    }

    /// <summary>Nodes that a restart is under way on, or waits for.</summary>
    public async Task<IReadOnlyList<NodeKey>> Restarting(CancellationToken cancellationToken)
    {
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        var nodes = await database.Operations.Where(row => row.Completed == null && row.Kind == Reboot).Select(row => row.Cluster + "/" + row.Node).Distinct().ToListAsync(cancellationToken);
        return [.. nodes.Select(node => NodeKey.Parse(node))];
    }

    /// <summary>Drops some operations that ended before a time, and what they printed.</summary>
    /// <param name="before">The time.</param>
    /// <param name="atMost">How many at most.</param>
    /// <param name="emptied">Is told first of each batch that has no other operation left: after a crash in between it is told again.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>How many were dropped; as long as it is <paramref name="atMost"/> there may be more.</returns>
    public async Task<int> Prune(DateTimeOffset before, int atMost, Func<JobId, Task> emptied, CancellationToken cancellationToken)
    {
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        var limit = before.ToUnixTimeMilliseconds();

        // By both clocks: the end is by the host's, and one that thinks it is 1970 must not lose its results at once.
        var old = await database.Operations.Where(row => row.Completed < limit && row.Created < limit).OrderBy(row => row.Completed).Take(atMost).Select(row => row.Id).ToListAsync(cancellationToken);

        var batches = database.Operations.Where(row => row.Batch != null && old.Contains(row.Id)).Select(row => row.Batch!).Distinct();
        foreach (var batch in await batches.Where(batch => !database.Operations.Any(row => row.Batch == batch && !old.Contains(row.Id))).ToListAsync(cancellationToken))
        {
            await emptied(JobId.Parse(batch));
        }

        // The output first: a row without one is still found by the next turn, an output without a row never would be.
        await database.Outputs.Where(row => old.Contains(row.Id)).ExecuteDeleteAsync(cancellationToken);
        return await database.Operations.Where(row => old.Contains(row.Id)).ExecuteDeleteAsync(cancellationToken);
    }

    private static IQueryable<OperationRow> Selected(IQueryable<OperationRow> rows, OperationQuery query)
    {
        var kind = $"{query.Kind}";
        rows = rows.Where(row => row.Kind == kind);
        if (query.Statuses is { } statuses)
        {
            string[] names = [.. statuses.Select(status => $"{status}"), .. query.TimedOut ? new[] { TimedOut } : []];
            rows = rows.Where(row => names.Contains(row.Status));
        }

        if (query.Mode is { } mode)
        {
            var name = $"{mode}";
            rows = rows.Where(row => row.Mode == name);
        }

        rows = query.Target is { } target ? rows.Where(row => row.Target == target) : rows;
        rows = query.Name is { } called ? rows.Where(row => row.Name == called) : rows;
        rows = query.Node is { } node ? rows.Where(row => row.Node == node) : rows;
        rows = query.Cluster is { } cluster ? rows.Where(row => row.Cluster == cluster) : rows;
        rows = query.Clusters is { } seen ? rows.Where(row => seen.Contains(row.Cluster)) : rows;
        rows = query.Batch?.Value is { } batch ? rows.Where(row => row.Batch == batch) : rows;
        rows = query.RequestedBy is { } person ? rows.Where(row => row.RequestedBy == person) : rows;
        rows = query.Since?.ToUnixTimeMilliseconds() is { } since ? rows.Where(row => row.Created >= since) : rows;
        return query.Until?.ToUnixTimeMilliseconds() is { } until ? rows.Where(row => row.Created < until) : rows;
    }

    // Ids sort by time, and by nothing else where that is equal: pages neither repeat nor leave out.
    private static IQueryable<OperationRow> Ordered(IQueryable<OperationRow> rows, OperationQuery query) => (query.Order, query.Descending) switch
    {
        (OperationOrder.CreatedAt, true) => rows.OrderByDescending(row => row.Created).ThenByDescending(row => row.Id),
        (OperationOrder.CreatedAt, false) => rows.OrderBy(row => row.Created).ThenBy(row => row.Id),
        (OperationOrder.CompletedAt, true) => rows.OrderBy(row => row.Completed == null).ThenByDescending(row => row.Completed).ThenByDescending(row => row.Id),
        (OperationOrder.CompletedAt, false) => rows.OrderBy(row => row.Completed == null).ThenBy(row => row.Completed).ThenByDescending(row => row.Id),
        (OperationOrder.Status, true) => rows.OrderByDescending(row => row.Status).ThenByDescending(row => row.Id),
        (OperationOrder.Status, false) => rows.OrderBy(row => row.Status).ThenByDescending(row => row.Id),
        (OperationOrder.Name, true) => rows.OrderByDescending(row => row.Name).ThenByDescending(row => row.Id),
        (OperationOrder.Name, false) => rows.OrderBy(row => row.Name).ThenByDescending(row => row.Id),
        (OperationOrder.Node, true) => rows.OrderByDescending(row => row.Node).ThenByDescending(row => row.Id),
        (OperationOrder.Node, false) => rows.OrderBy(row => row.Node).ThenByDescending(row => row.Id),
        _ => throw new ArgumentOutOfRangeException(nameof(query)),
    };

    private const string Reboot = nameof(OperationKind.Reboot);
    private const string TimedOut = "Timeout";

    // Lists select and sort by what is shown.
    private static string Shown(OperationRecord operation) => operation.IsTimedOutReboot ? TimedOut : $"{operation.Status}";

    private static OperationRecord Read(string record) => JsonSerializer.Deserialize<OperationRecord>(record, Json) ?? throw new JsonException("A stored operation is null.");

    // By a statement and not by a tracked row: this is what the server does most. An end that is there stands; one alive is written over, or stands too.
    private static Task<int> Insert(HistoryDb database, OperationRecord operation, bool overAlive) => database.Database.ExecuteSqlAsync(
        $"""
        INSERT INTO "operations" ("Id", "Kind", "Cluster", "Node", "Target", "Name", "Mode", "Batch", "RequestedBy", "Status", "Created", "Completed", "Record")
        VALUES ({operation.Id.Value}, {$"{operation.Kind}"}, {operation.Cluster.Value}, {operation.Node.Value}, {operation.Target}, {SqlText.Storable(operation.Name)}, {operation.Mode?.ToString()},
            {operation.Batch?.Value}, {operation.RequestedBy}, {Shown(operation)}, {operation.CreatedAt.ToUnixTimeMilliseconds()}, {operation.CompletedAt?.ToUnixTimeMilliseconds()},
            {JsonSerializer.Serialize(operation, Json)})
        ON CONFLICT ("Id") DO UPDATE SET "Status" = excluded."Status", "Completed" = excluded."Completed", "Record" = excluded."Record"
        WHERE "operations"."Completed" IS NULL AND {overAlive}
        """);
}
