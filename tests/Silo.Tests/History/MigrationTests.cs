using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.Extensions.DependencyInjection;
using NannyOrleans.Grains.History;
using NannyOrleans.Silo.History;
using NannyOrleans.Silo.Tests.Storage;

namespace NannyOrleans.Silo.Tests.History;

public sealed class MigrationTests
{
    [Fact]
    public async Task A_database_made_by_the_first_migration_keeps_its_operations_and_takes_metrics_and_audit_entries()
    {
        using var file = new HistoryFile();
        await using (var database = file.CreateDbContext())
        {
            await database.GetService<IMigrator>().MigrateAsync("Initial");
        }

        await new OperationHistory(file).Add(Stored.Ended, new("out", "err"));
        Assert.Equal(0, file.Data.Ask<long>("history.db", "SELECT count(*) FROM sqlite_master WHERE name IN ('metrics', 'audit')"));

        await using var silo = await RunningSilo.Start(file.Data);
        Assert.Equal(Stored.Json(Stored.Ended), Stored.Json(await silo.History.Find(Stored.Ended.Id.Value)));
        Assert.Equal("out", (await silo.History.FindOutput(Stored.Ended.Id.Value))!.StandardOutput);
        var audit = silo.Grains.GetGrain<IHistoryGrain>(0);
        await audit.AddAudit(new(DateTimeOffset.UnixEpoch, "person admin", "annotate", "x", "done", null));
        Assert.Single(await audit.Audit(10));
        var metrics = silo.Services.GetRequiredService<MetricsHistory>();
        metrics.Add(new(Stored.Ended.Cluster, Stored.Ended.Node, DateTimeOffset.UnixEpoch, 1));
        await metrics.WriteAll(CancellationToken.None);
        Assert.Single(await audit.Metrics(Stored.Ended.Cluster, null, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch));
    }

    [Fact]
    public async Task The_model_is_what_the_migrations_make()
    {
        using var file = new HistoryFile();
        await using var database = file.CreateDbContext();
        Assert.False(database.Database.HasPendingModelChanges());
    }
}
