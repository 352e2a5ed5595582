using NannyOrleans.Grains.History;
using NannyOrleans.Silo.History;

namespace NannyOrleans.Silo.Tests.History;

public abstract class AuditLogTests(TestSilo silo) : IAsyncLifetime
{
    private static readonly AuditEntry Entry = new(new(2026, 11, 23, 12, 0, 0, TimeSpan.FromHours(1)), "person admin", "annotate", "c0123456789abcdef-lxc-100", "done", """{"notes":"x"}""");

    private HistoryTables? tables;

    private HistoryTables Tables => tables!;

    public async ValueTask InitializeAsync() => tables = await silo.NewHistory();

    public async ValueTask DisposeAsync()
    {
        await Tables.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Answers_the_newest_first_and_no_more_than_asked_for()
    {
        var log = new AuditLog(Tables, new HistoryWrites(Tables));
        Assert.Empty(await log.Newest(10));
        foreach (var number in Enumerable.Range(1, 5))
        {
            await log.Add(Entry with { Target = $"{number}", Detail = number is 5 ? null : "more" });
        }

        var newest = await log.Newest(2);
        Assert.Equal([Entry with { Target = "5", Detail = null }, Entry with { Target = "4", Detail = "more" }], newest);
    }

    [Fact]
    public async Task Takes_what_is_hostile_as_text()
    {
        var log = new AuditLog(Tables, new HistoryWrites(Tables));
        var hostile = Entry with { Actor = "'); DROP TABLE audit; --", Detail = "\u001b[31m\u202E" + new string('x', 1_000_000) };
        await log.Add(hostile);
        Assert.Equal(hostile, Assert.Single(await log.Newest(1)));

        await log.Add(Entry with { Target = "a\0b", Detail = "half \ud800" });
        Assert.Equal(("a\ufffdb", "half \ufffd"), (await log.Newest(1)) is [var marked] ? (marked.Target, marked.Detail) : default);
    }

    [Fact]
    public async Task Entries_of_many_at_once_are_all_there()
    {
        var log = new AuditLog(Tables, new HistoryWrites(Tables));
        await Task.WhenAll(Enumerable.Range(0, 24).Select(number => Task.Run(() => log.Add(Entry with { Target = $"{number}" })))).Within("24 entries");
        Assert.Equal(24, (await log.Newest(100)).Select(entry => entry.Target).Distinct().Count());
    }
}

public sealed class AuditLogOnSqliteTests(SharedSilo silo) : AuditLogTests(silo);

public sealed class AuditLogOnPostgresTests(SiloOnPostgres silo) : AuditLogTests(silo), IClassFixture<SiloOnPostgres>;
