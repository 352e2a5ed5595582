using System.Data.Common;
using NannyOrleans.Silo.Storage;

namespace NannyOrleans.Silo.Tests.Storage;

/// <summary>Whatever happens to a connection, the next one gets its turn.</summary>
public sealed class GatedSqliteTests : IDisposable
{
    private readonly DataDirectory data = new();
    private readonly GatedSqlite database;

    public GatedSqliteTests() => database = new(data.PathOf("gated.db"));

    public void Dispose()
    {
        database.Dispose();
        data.Dispose();
    }

    [Fact]
    public async Task Lets_one_in_at_a_time_and_the_next_after_it()
    {
        var first = await Open();
        var second = Open();
        Assert.False(second.IsCompleted);
        await first.DisposeAsync();
        await (await second).DisposeAsync();
        await IsFree();
    }

    [Fact]
    public async Task Is_free_after_a_double_close_and_lets_in_one_not_two()
    {
        var twice = await Open();
        await twice.CloseAsync();
        await twice.CloseAsync();
        await twice.DisposeAsync();
        await twice.DisposeAsync();

        await using var first = await Open();
        var second = Open();
        Assert.False(second.IsCompleted);
        await first.CloseAsync();
        await (await second).DisposeAsync();
    }

    [Fact]
    public async Task Is_free_after_a_failure_to_open()
    {
        var directory = data.PathOf("a-directory");
        Directory.CreateDirectory(directory);
        using var unusable = new GatedSqlite(directory);
        for (var count = 0; count < 3; count++)
        {
            await Assert.ThrowsAnyAsync<DbException>(() => unusable.OpenConnectionAsync().AsTask().Within("a failure to open"));
        }

        Assert.ThrowsAny<DbException>(() => unusable.OpenConnection());
    }

    [Fact] // It opens; only the pragmas fail.
    public async Task Is_free_after_a_file_that_is_no_database()
    {
        await File.WriteAllTextAsync(data.PathOf("text.db"), new string('x', 8192));
        using var text = new GatedSqlite(data.PathOf("text.db"));
        await using var connection = text.CreateConnection();
        await Assert.ThrowsAnyAsync<DbException>(() => connection.OpenAsync());
        Assert.Equal(System.Data.ConnectionState.Closed, connection.State);
        await Assert.ThrowsAnyAsync<DbException>(() => text.OpenConnectionAsync().AsTask().Within("a failure to open"));
    }

    [Fact]
    public async Task Is_free_after_one_that_waited_gave_up()
    {
        using var giveUp = new CancellationTokenSource();
        var first = await Open();
        var impatient = database.OpenConnectionAsync(giveUp.Token).AsTask();
        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient);
        var second = Open();
        Assert.False(second.IsCompleted);
        await first.DisposeAsync();
        await (await second).DisposeAsync();
        await IsFree();
    }

    [Fact]
    public async Task An_open_connection_opened_again_does_not_wait_for_itself()
    {
        await using (var connection = await Open())
        {
            await connection.OpenAsync().Within("its own gate");
#pragma warning disable CA1849 // the synchronous way has a path of its own
            connection.Open();
#pragma warning restore CA1849
        }

        await IsFree();
    }

    [Fact]
    public async Task A_connection_can_be_opened_after_it_was_closed()
    {
        await using var connection = await Open();
        await connection.CloseAsync();
        await connection.OpenAsync().Within("the gate");
        var second = Open();
        Assert.False(second.IsCompleted);
        await connection.CloseAsync();
        await (await second).DisposeAsync();
    }

    [Fact]
    public async Task A_command_that_fails_leaves_the_gate_to_its_connection()
    {
        await using (var connection = await Open())
        {
            await using var command = connection.CreateCommand();
            command.CommandText = "SELECT * FROM nothing";
            await Assert.ThrowsAnyAsync<DbException>(() => command.ExecuteNonQueryAsync());
        }

        await IsFree();
    }

    [Theory]
    [InlineData("PRAGMA synchronous", "2")] // FULL
    [InlineData("PRAGMA journal_mode", "wal")]
    public async Task Each_connection_syncs_its_commits(string pragma, string value)
    {
        for (var count = 0; count < 2; count++) // the second one is from the pool
        {
            await using var connection = await Open();
            await using var command = connection.CreateCommand();
            command.CommandText = pragma;
            Assert.Equal(value, $"{await command.ExecuteScalarAsync()}");
        }
    }

    private Task<DbConnection> Open() => database.OpenConnectionAsync().AsTask().Within("the gate");

    private async Task IsFree() => await (await Open()).DisposeAsync();
}
