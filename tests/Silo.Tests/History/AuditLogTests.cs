using Microsoft.EntityFrameworkCore;
using NannyOrleans.Grains.History;
using NannyOrleans.Silo.History;
using NannyOrleans.Silo.Tests.Storage;

namespace NannyOrleans.Silo.Tests.History;

public sealed class AuditLogTests : IDisposable
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 23, 12, 0, 0, TimeSpan.FromHours(1));

    private readonly HistoryFile file = new();

    public void Dispose() => file.Dispose();

    [Fact]
    public async Task Entries_come_back_whole_and_the_newest_first()
    {
        var log = new AuditLog(file);
        AuditEntry[] entries =
        [
            new(Noon, "person admin", "guest-annotate", "c0123456789abcdef-lxc-100", "done", "tags"),
            new(Noon.AddHours(-1), "agent 01M83HW1FS84TGPXTCYJ45S8G9", "inventory", "c0123456789abcdef/pve1", "not-its-own-node", null), // the clock was set back
            new(Noon, "person Äö'; DROP TABLE audit --", "guest-annotate", "\u202e\u0001", "unknown-guest", new string('x', 100_000)),
        ];
        foreach (var entry in entries)
        {
            await log.Add(entry);
        }

        Assert.Equal(entries.Reverse(), await log.Newest(1000));
    }

    [Fact]
    public async Task No_more_come_back_than_were_asked_for()
    {
        var log = new AuditLog(file);
        Assert.Empty(await log.Newest(10));
        foreach (var number in Enumerable.Range(0, 12))
        {
            await log.Add(new(Noon, "person admin", "look", $"{number}", "done", null));
        }

        Assert.Equal(["11", "10", "9"], (await log.Newest(3)).Select(entry => entry.Target));
        Assert.Equal(12, (await log.Newest(1000)).Count);
    }

    [Fact]
    public async Task An_entry_is_stored_when_its_addition_returns()
    {
        await new AuditLog(file).Add(new(Noon, "person admin", "look", "all", "done", null));
        Assert.Equal(1, file.Ask<long>("SELECT COUNT(*) FROM audit WHERE Target = 'all'"));
    }

    [Fact] // An audit log that silently loses entries is none.
    public async Task An_addition_that_is_not_stored_fails()
    {
        file.Tell("DROP TABLE audit");
        await Assert.ThrowsAsync<DbUpdateException>(() => new AuditLog(file).Add(new(Noon, "person admin", "look", "all", "done", null)));
    }

    [Fact]
    public async Task A_database_of_the_first_migration_keeps_its_operations_and_gains_the_rest()
    {
        using var old = new HistoryFile("Initial");
        Assert.Equal(0, old.Ask<long>("SELECT COUNT(*) FROM sqlite_master WHERE name IN ('audit', 'metrics')"));
        await new OperationHistory(old).Add(Stored.Ended, new("out", "err"));

        await using (var database = old.CreateDbContext())
        {
            await database.Database.MigrateAsync();
        }

        Assert.Equal(Stored.Json(Stored.Ended), Stored.Json(await new OperationHistory(old).Find(Stored.Ended.Id.Value)));
        Assert.Equal(new("out", "err"), await new OperationHistory(old).FindOutput(Stored.Ended.Id.Value));
        await new AuditLog(old).Add(new(Noon, "person admin", "look", "all", "done", null));
        Assert.Single(await new AuditLog(old).Newest(1));
        Assert.Equal(0, old.Ask<long>("SELECT COUNT(*) FROM metrics"));
    }
}
