using System.Collections;
using System.Data;
using System.Data.Common;
using System.Threading.Channels;
using Microsoft.Data.Sqlite;

namespace NannyOrleans.Silo.Storage;

/// <summary>
/// One SQLite file with one connection for all, first come first served. SQLite has one writer and makes the others poll for their turn: under
/// load some wait for seconds. And a commit costs the disk the same for one grain as for sixty: what comes while it is busy with one goes
/// together in the next. Nobody is answered before the disk has it.
/// </summary>
/// <remarks>
/// To who opens one of its connections it looks like a database in which each command is a transaction of its own. It knows the one way in
/// which Orleans' provider uses it, <see cref="DbCommand.ExecuteReaderAsync()"/>; the others throw.
/// </remarks>
internal sealed class GatedSqlite : DbDataSource
{
    private const int MostTogether = 64;
    private readonly Channel<Asked> asked = Channel.CreateUnbounded<Asked>(new() { SingleReader = true });
    private readonly Dictionary<string, SqliteCommand> prepared = [];
    private readonly Task carrying;
    private SqliteConnection? open;

    /// <param name="path">The file; made when it is not there.</param>
    public GatedSqlite(string path)
    {
        ConnectionString = new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString();
        carrying = Task.Run(CarryOut);
    }

    /// <inheritdoc/>
    public override string ConnectionString { get; }

    /// <inheritdoc/>
    protected override DbConnection CreateDbConnection() => new Connection(this);

    /// <summary>Carries out what was asked before, and closes the file.</summary>
    protected override void Dispose(bool disposing)
    {
        if (disposing && asked.Writer.TryComplete())
        {
            carrying.GetAwaiter().GetResult();
            Close();
        }

        base.Dispose(disposing);
    }

    private async Task CarryOut()
    {
        var some = new List<Asked>();
        while (await asked.Reader.WaitToReadAsync())
        {
            some.Clear();
            while (some.Count < MostTogether && asked.Reader.TryRead(out var next))
            {
                some.Add(next);
            }

            Commit(some);
            some.ForEach(one => one.Tell());
        }
    }

    private void Commit(List<Asked> some)
    {
        try
        {
            Open();
            Do("BEGIN IMMEDIATE");
        }
        catch (Exception unusable) // a file that is locked or gone is so for each of them
        {
            Close();
            some.ForEach(one => one.Failure = unusable);
            return;
        }

        try
        {
            foreach (var one in some)
            {
                one.Answer = Answer(one.Command);
            }

            Do("COMMIT");
        }
        catch (Exception failure)
        {
            Close(); // which takes back what was not committed, whatever state the connection is in
            if (some is [var alone])
            {
                alone.Failure = failure;
                return;
            }

            // None of them is stored: each again by itself, so that only the one that can't be fails.
            some.ForEach(one => Commit([one]));
        }
    }

    private void Open()
    {
        if (open is not null)
        {
            return;
        }

        open = new(ConnectionString);
        open.Open();

        // FULL: a job's ledger may not lose its last commit with the power. WAL: a reader is never in a writer's way.
        // The mode is last, since it gives a row, and this driver says nothing of a failure that comes after one.
        Do("PRAGMA synchronous=FULL; PRAGMA journal_mode=WAL;");
    }

    private void Close()
    {
        foreach (var command in prepared.Values)
        {
            command.Dispose();
        }

        prepared.Clear();
        open?.Dispose();
        open = null;
    }

    private void Do(string statement) => Prepared(statement).ExecuteNonQuery();

    private DataTableReader Answer(SqliteCommand ask)
    {
        var command = Prepared(ask.CommandText);
        command.Parameters.Clear();
        foreach (SqliteParameter parameter in (IEnumerable)ask.Parameters)
        {
            command.Parameters.AddWithValue(parameter.ParameterName, parameter.Value);
        }

        using var reader = command.ExecuteReader();
        var tables = new List<DataTable>();
        do
        {
            var table = new DataTable();
            for (var column = 0; column < reader.FieldCount; column++)
            {
                table.Columns.Add(reader.GetName(column), typeof(object));
            }

            while (reader.Read())
            {
                table.Rows.Add([.. Enumerable.Range(0, reader.FieldCount).Select(column => Value(reader.GetValue(column)))]);
            }

            tables.Add(table);
        }
        while (reader.NextResult());

        return new([.. tables]);
    }

    // The provider asks for versions as int, and a table's reader converts nothing.
    private static object Value(object value) => value is long and >= int.MinValue and <= int.MaxValue ? (int)(long)value : value;

    private SqliteCommand Prepared(string statement)
    {
        if (!prepared.TryGetValue(statement, out var command))
        {
            prepared[statement] = command = open!.CreateCommand();
            command.CommandText = statement;
        }

        return command;
    }

    private async Task<DbDataReader> Ask(SqliteCommand command)
    {
        var own = new Asked(command);
        ObjectDisposedException.ThrowIf(!asked.Writer.TryWrite(own), this);
        return await own.Told;
    }

    private sealed class Asked(SqliteCommand command)
    {
        private readonly TaskCompletionSource<DbDataReader> told = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public SqliteCommand Command => command;

        public Task<DbDataReader> Told => told.Task;

        public DataTableReader? Answer { get; set; }

        public Exception? Failure { get; set; }

        public void Tell() => _ = Failure is null ? told.TrySetResult(Answer!) : told.TrySetException(Failure);
    }

    private sealed class Connection(GatedSqlite database) : SqliteConnection(database.ConnectionString)
    {
        public override void Open()
        {
            // Nothing to open: there is one for all.
        }

        public override Task OpenAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public override SqliteCommand CreateCommand() => new Command(database);
    }

    private sealed class Command(GatedSqlite database) : SqliteCommand
    {
        public override SqliteDataReader ExecuteReader() => throw Unknown;

        public override SqliteDataReader ExecuteReader(CommandBehavior behavior) => throw Unknown;

        public override int ExecuteNonQuery() => throw Unknown;

        public override object? ExecuteScalar() => throw Unknown;

        // Once it was asked for, it is carried out.
        protected override Task<DbDataReader> ExecuteDbDataReaderAsync(CommandBehavior behavior, CancellationToken cancellationToken)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return database.Ask(this);
        }

        private static NotSupportedException Unknown => new("Commands of this connection are carried out with those of others, by ExecuteReaderAsync alone.");
    }
}
