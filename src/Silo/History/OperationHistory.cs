using System.Text;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Operations;

namespace NannyOrleans.Silo.History;

/// <summary>Ended operations in SQL.</summary>
internal sealed class OperationHistory(IDbContextFactory<HistoryDb> databases) : IOperationHistory
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public async Task Add(OperationRecord operation, OperationOutput output)
    {
        await using var database = await databases.CreateDbContextAsync();
        if (await database.Operations.AnyAsync(row => row.Id == operation.Id.Value))
        {
            return;
        }

        database.Operations.Add(new()
        {
            Id = operation.Id.Value,
            Cluster = operation.Cluster.Value,
            Vmid = operation.Vmid?.Value ?? 0,
            Status = operation.Status.ToString(),
            CompletedAt = operation.CompletedAt ?? throw new ArgumentException("The operation has not ended.", nameof(operation)),
            Record = JsonSerializer.Serialize(operation, Json),
        });
        database.Outputs.Add(new() { Id = operation.Id.Value, StandardOutput = Storable(output.StandardOutput), StandardError = Storable(output.StandardError) });
        try
        {
            await database.SaveChangesAsync();
        }
        catch (DbUpdateException)
        {
            // Somebody else's was first, in the moment since the look above: then it is there, which is all that was wanted.
            if (!await database.Operations.AnyAsync(row => row.Id == operation.Id.Value))
            {
                throw;
            }
        }
    }

    public async Task<OperationRecord?> Find(string id)
    {
        await using var database = await databases.CreateDbContextAsync();
        var record = await database.Operations.Where(row => row.Id == id).Select(row => row.Record).FirstOrDefaultAsync();
        return record is null ? null : JsonSerializer.Deserialize<OperationRecord>(record, Json);
    }

    public async Task<OperationOutput?> FindOutput(string id)
    {
        await using var database = await databases.CreateDbContextAsync();
        return await database.Outputs.Where(row => row.Id == id)
            .Select(row => new OperationOutput(row.StandardOutput, row.StandardError)).FirstOrDefaultAsync();
    }

    /// <summary>
    /// What a target printed is bytes of any kind, and SQL text is not: NUL ends it for some databases and is refused by others, and half a
    /// surrogate pair has no UTF-8. Each becomes U+FFFD, the mark for "something was here".
    /// </summary>
    private static string Storable(string printed) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(printed.Replace('\0', '\uFFFD')));
}

/// <summary>Brings the history's tables up to date before the silo starts.</summary>
internal sealed class HistoryMigration(IDbContextFactory<HistoryDb> databases) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        await database.Database.MigrateAsync(cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
