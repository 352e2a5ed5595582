using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.Extensions.DependencyInjection;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.History;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;
using NannyOrleans.Silo.History;
using NannyOrleans.Silo.Tests.Storage;
using NannyOrleans.Tests.Postgres;

namespace NannyOrleans.Silo.Tests.History;

public sealed class MigrationTests(SharedPostgres postgres)
{
    [Fact]
    public async Task A_database_made_by_the_first_migration_keeps_its_operations_and_takes_metrics_and_audit_entries()
    {
        await using var file = new HistoryFile();
        await using (var database = file.CreateDbContext())
        {
            await database.GetService<IMigrator>().MigrateAsync("Initial");
        }

        // As the first release wrote it.
        await file.Tell(
            $"""
            INSERT INTO operations (Id, Cluster, Vmid, Status, CompletedAt, Record) VALUES ('{Stored.Ended.Id}', '{Stored.Ended.Cluster}', 100, 'Failed', '2026-11-23 12:00:03+00:00', @payload);
            INSERT INTO operation_outputs VALUES ('{Stored.Ended.Id}', 'out', 'err');
            """,
            await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "Golden", "stored", "operation-record.json")));
        Assert.Equal(0, file.Data.Ask<long>("history.db", "SELECT count(*) FROM sqlite_master WHERE name IN ('metrics', 'audit_log')"));

        await using var silo = await RunningSilo.Start(file.Data);
        Assert.Equal(Stored.Json(Stored.Ended), Stored.Json(await silo.History.Find(Stored.Ended.Id.Value)));
        Assert.Equal("out", (await silo.History.FindOutput(Stored.Ended.Id.Value))!.StandardOutput);

        // It is listed by all that lists know, and a living one comes beside it.
        var query = new OperationQuery(OperationKind.Patch, 0, 10);
        await silo.History.Keep(Stored.Running);
        Assert.Equal(1, (await silo.History.List(query)).Total); // the same operation: an end stands
        Assert.Equal(1, (await silo.History.List(query with
        {
            Statuses = [OperationStatus.Failed],
            Mode = PatchMode.Apply,
            Target = Stored.Ended.Target,
            Name = Stored.Ended.Name,
            Node = Stored.Ended.Node.Value,
            Cluster = Stored.Ended.Cluster.Value,
            RequestedBy = "admin",
            Since = Stored.Ended.CreatedAt,
            Until = Stored.Ended.CreatedAt.AddMilliseconds(1),
        })).Total);
        Assert.Equal(Stored.Ended.CompletedAt!.Value.ToUnixTimeMilliseconds(), file.Data.Ask<long>("history.db", "SELECT Completed FROM operations"));
        var audit = silo.Grains.GetGrain<IHistoryGrain>(0);
        await audit.AddAudit(new(DateTimeOffset.UnixEpoch, "person admin", "annotate", "x", "done", null));
        Assert.Equal(["annotate", "start-silo"], (await audit.Audit(10)).Select(entry => entry.Action));
        var metrics = silo.Services.GetRequiredService<MetricsHistory>();
        metrics.Add(new(Stored.Ended.Cluster, Stored.Ended.Node, DateTimeOffset.UnixEpoch, 1));
        await metrics.WriteAll(CancellationToken.None);
        Assert.Single(await audit.Metrics(Stored.Ended.Cluster, null, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch));
    }

    [Fact]
    public async Task The_way_back_keeps_what_the_release_before_can_read()
    {
        await using var file = await new HistoryFile().Made();
        var history = new OperationHistory(file, file.Writes(), TimeProvider.System);
        await history.Add(Stored.Ended, new("out", "err"), AuditEntry.System);
        await history.Keep(Stored.Running with { Id = JobId.Parse("01M83HW1FS84TGPXTCYJ45S8GD") });
        await using var database = file.CreateDbContext();
        await database.GetService<IMigrator>().MigrateAsync("MetricsAndAudit");
        Assert.Equal((1L, 1L), (await file.Count("operations"), await file.Count("operation_outputs")));
        Assert.Equal(100, file.Data.Ask<long>("history.db", "SELECT Vmid FROM operations"));
    }

    [Fact]
    public async Task On_PostgreSQL_the_model_is_what_the_migrations_make_and_the_way_back_leaves_nothing()
    {
        await using var tables = await new HistoryOnPostgres(postgres).Made();
        await using var database = tables.CreateDbContext();
        Assert.False(database.Database.HasPendingModelChanges());
        await database.GetService<IMigrator>().MigrateAsync(Migration.InitialDatabase);
        Assert.Equal("__EFMigrationsHistory", await tables.Ask<string>("SELECT string_agg(tablename, ' ') FROM pg_tables WHERE schemaname = 'public'"));
    }

    [Fact]
    public async Task The_model_is_what_the_migrations_make()
    {
        await using var file = new HistoryFile();
        await using var database = file.CreateDbContext();
        Assert.False(database.Database.HasPendingModelChanges());
    }
}
