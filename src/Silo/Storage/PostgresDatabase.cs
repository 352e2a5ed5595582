using Npgsql;

namespace NannyOrleans.Silo.Storage;

/// <summary>The one PostgreSQL database of an installation, which all its processes share.</summary>
public static class PostgresDatabase
{
    /// <summary>Makes the source of connections that everything in this process takes its own from.</summary>
    /// <param name="options">With <see cref="SiloOptions.Postgres"/> set; what it says of time limits and the size of the pool stands.</param>
    /// <exception cref="CannotStartException">The connection string can't be read.</exception>
    public static NpgsqlDataSource Open(SiloOptions options)
    {
        try
        {
            var said = new NpgsqlConnectionStringBuilder(options.Postgres);
            Unless(said, "Application Name", "nannyorleans");

            // Five processes with the driver's own hundred would be more than PostgreSQL's default allows for all.
            Unless(said, "Maximum Pool Size", 20);

            // A database that hangs must be known before who waits for a grain has given up, which is after 30 s.
            Unless(said, "Timeout", 5);
            Unless(said, "Command Timeout", 10);

            // Few statements, over and over: parsed and planned once for each connection.
            Unless(said, "Max Auto Prepare", 100);
            Unless(said, "Auto Prepare Min Usages", 2);
            return new NpgsqlDataSourceBuilder(said.ConnectionString).Build();
        }
        catch (Exception unreadable) when (unreadable is ArgumentException or FormatException)
        {
            throw new CannotStartException($"Silo:Postgres is not a connection string such as 'Host=db;Username=nanny;Password=…;Database=nanny': {unreadable.Message}", unreadable);
        }
    }

    /// <summary>
    /// Does something that only one process of the installation may do at a time, such as changing the tables: the others wait for it, and then
    /// find it done. A process that dies gives its turn back, since its connection goes.
    /// </summary>
    /// <param name="database">The database; null on SQLite, where there is one process.</param>
    /// <param name="work">What to do.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    public static async Task InTurn(NpgsqlDataSource? database, Func<Task> work, CancellationToken cancellationToken)
    {
        if (database is null)
        {
            await work();
            return;
        }

        await using var connection = await database.OpenConnectionAsync(cancellationToken);
        await using var turn = connection.CreateCommand();
        turn.CommandText = $"SELECT pg_advisory_lock({TurnKey})";
        turn.CommandTimeout = 300; // as long as somebody else's migration may take
        await turn.ExecuteNonQueryAsync(cancellationToken);
        try
        {
            await work();
        }
        finally
        {
            turn.CommandText = $"SELECT pg_advisory_unlock({TurnKey})";
            turn.CommandTimeout = 10;
            await turn.ExecuteNonQueryAsync(CancellationToken.None);
        }
    }

    private const long TurnKey = 0x6e616e6e79; // "nanny"

    private static void Unless(NpgsqlConnectionStringBuilder said, string key, object value)
    {
        // Not ContainsKey, which the driver answers with whether it knows the word.
        if (!said.Keys.Cast<string>().Contains(key, StringComparer.OrdinalIgnoreCase))
        {
            said[key] = value;
        }
    }
}
