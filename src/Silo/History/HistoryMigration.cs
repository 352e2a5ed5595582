using Microsoft.EntityFrameworkCore;
using NannyOrleans.Silo.Storage;
using Npgsql;

namespace NannyOrleans.Silo.History;

/// <summary>Brings the history's tables, and on PostgreSQL Orleans' too, up to date before the silo starts.</summary>
internal sealed class HistoryMigration(IDbContextFactory<HistoryDb> databases, NpgsqlDataSource? postgres = null) : ITablesMigration
{
    public Task StartAsync(CancellationToken cancellationToken) => PostgresDatabase.InTurn(postgres, () => Migrate(cancellationToken), cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task Migrate(CancellationToken cancellationToken)
    {
        await using var database = await databases.CreateDbContextAsync(cancellationToken);
        await TablesMigration.Apply(database.Database, cancellationToken);
    }
}
