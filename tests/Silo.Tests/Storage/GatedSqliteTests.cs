using System.Data.Common;
using NannyOrleans.Silo.Storage;

namespace NannyOrleans.Silo.Tests.Storage;

/// <summary>Commands share transactions and nothing else: not a failure, nor an answer before the disk has it.</summary>
public sealed class GatedSqliteTests : IAsyncLifetime
{
    private readonly DataDirectory data = new();
    private readonly GatedSqlite database;

    public GatedSqliteTests() => database = new(data.PathOf("gated.db"));

    public async ValueTask InitializeAsync() => await Run(database, "CREATE TABLE numbers (number INTEGER PRIMARY KEY, text TEXT)");

    public ValueTask DisposeAsync()
    {
        database.Dispose();
        data.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task All_that_is_written_at_once_is_stored_and_each_gets_its_own_answer()
    {
        var answers = await Task.WhenAll(Enumerable.Range(0, 300).Select(number => Task.Run(() => Insert(number)))).Within("300 writes");
        Assert.Equal([.. Enumerable.Range(0, 300)], answers.Select(rows => Assert.IsType<int>(rows.Single().Single())));
        Assert.Equal(300, data.Ask<long>("gated.db", "SELECT count(*) FROM numbers"));
    }

    [Fact]
    public async Task What_comes_while_the_file_is_busy_goes_together_in_one_commit()
    {
        Task<object[][]>[] waiting;
        long before;
        using (var other = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={data.PathOf("gated.db")};Pooling=False"))
        {
            other.Open();
            using var transaction = other.BeginTransaction(deferred: false); // from here on nobody else writes
            before = Commits();
            waiting = [.. Enumerable.Range(0, 41).Select(Insert)];
            Assert.DoesNotContain(waiting, one => one.IsCompleted);
            transaction.Rollback();
        }

        await Task.WhenAll(waiting).Within("41 writes");

        // The first of them alone, if it was already at the door, and the others in one.
        Assert.InRange(Commits() - before, 1, 2);
    }

    [Fact]
    public async Task One_that_fails_fails_alone_and_the_others_are_stored_once()
    {
        await Insert(7);
        var all = Enumerable.Range(0, 20).Select(Insert).ToArray(); // the one with 7 breaks the key
        await Task.WhenAll(all.Where((_, number) => number is not 7)).Within("19 writes");
        await Assert.ThrowsAnyAsync<DbException>(() => all[7]);
        Assert.Equal(20, data.Ask<long>("gated.db", "SELECT count(*) FROM numbers"));
    }

    [Fact]
    public async Task One_that_is_no_SQL_fails_and_the_next_is_carried_out()
    {
        await Assert.ThrowsAnyAsync<DbException>(() => Run(database, "SELECT * FROM nothing"));
        await Insert(1);
    }

    [Fact] // The provider writes with two, of which one gives a row.
    public async Task Several_statements_give_a_result_each()
    {
        await using var connection = await database.OpenConnectionAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT 1 AS one WHERE 0; SELECT 2 AS two, x'0102' AS bytes, NULL AS none;";
        await using var reader = await command.ExecuteReaderAsync();
        Assert.False(await reader.ReadAsync());
        Assert.True(await reader.NextResultAsync());
        Assert.True(await reader.ReadAsync());
        Assert.Equal((2, 1, true), (reader.GetInt32(reader.GetOrdinal("two")), reader.GetOrdinal("bytes"), await reader.IsDBNullAsync(2)));
        Assert.Equal([1, 2], (byte[])reader["bytes"]);
        Assert.False(await reader.NextResultAsync());
    }

    [Fact]
    public async Task A_file_that_cannot_be_opened_fails_each_and_no_more()
    {
        Directory.CreateDirectory(data.PathOf("a-directory"));
        using var unusable = new GatedSqlite(data.PathOf("a-directory"));
        for (var count = 0; count < 3; count++)
        {
            await Assert.ThrowsAnyAsync<DbException>(() => Run(unusable, "SELECT 1").Within("a failure to open"));
        }

        // Once it can be, it is.
        Directory.Delete(data.PathOf("a-directory"));
        await Run(unusable, "SELECT 1").Within("the file");
    }

    [Fact] // It opens; only the pragmas fail.
    public async Task A_file_that_is_no_database_fails_each_and_no_more()
    {
        await File.WriteAllTextAsync(data.PathOf("text.db"), new string('x', 8192));
        using var text = new GatedSqlite(data.PathOf("text.db"));
        for (var count = 0; count < 2; count++)
        {
            await Assert.ThrowsAnyAsync<DbException>(() => Run(text, "SELECT 1").Within("a failure to open"));
        }
    }

    [Theory]
    [InlineData("PRAGMA synchronous", 2)] // FULL
    [InlineData("PRAGMA journal_mode", "wal")]
    public async Task Commits_are_synced(string pragma, object value)
    {
        Assert.Equal(value, (await Run(database, pragma)).Single().Single());
        await Assert.ThrowsAnyAsync<DbException>(() => Run(database, "SELECT * FROM nothing")); // after which it is opened anew
        Assert.Equal(value, (await Run(database, pragma)).Single().Single());
    }

    [Fact] // What was asked for is carried out before the file is closed.
    public async Task Ends_with_what_was_asked_before_and_takes_nothing_after()
    {
        var asked = Enumerable.Range(0, 100).Select(Insert).ToArray();
        database.Dispose();
        await Task.WhenAll(asked).Within("100 writes");
        Assert.Equal(100, data.Ask<long>("gated.db", "SELECT count(*) FROM numbers"));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => Insert(100));
    }

    [Fact]
    public async Task Other_ways_than_the_providers_are_refused()
    {
        await using var connection = await database.OpenConnectionAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT 1";
        await Assert.ThrowsAsync<NotSupportedException>(() => command.ExecuteScalarAsync());
        await Assert.ThrowsAsync<NotSupportedException>(() => command.ExecuteNonQueryAsync());
    }

    private Task<object[][]> Insert(int number) => Run(database, "INSERT INTO numbers VALUES (@number, 'text') RETURNING number", ("number", number));

    private static async Task<object[][]> Run(GatedSqlite database, string statement, params (string Name, object Value)[] values)
    {
        await using var connection = await database.OpenConnectionAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = statement;
        foreach (var (name, value) in values)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (name, value);
            command.Parameters.Add(parameter);
        }

        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<object[]>();
        while (await reader.ReadAsync())
        {
            var row = new object[reader.FieldCount];
            reader.GetValues(row);
            rows.Add(row);
        }

        return [.. rows];
    }

    // Frames of the log with a database size: each is a commit's last.
    private long Commits()
    {
        using var file = new FileStream(data.PathOf("gated.db-wal"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        var log = new byte[file.Length];
        file.ReadExactly(log);
        var page = System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(log.AsSpan(8));
        return Enumerable.Range(0, (log.Length - 32) / (24 + page)).Count(frame => System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(log.AsSpan(32 + (frame * (24 + page)) + 4)) is not 0);
    }
}
