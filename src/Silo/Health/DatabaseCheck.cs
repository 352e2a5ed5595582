using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace NannyOrleans.Silo.Health;

/// <summary>Whether a database answers and its tables are as new as the program. Newer ones are a newer program's, which may run beside this.</summary>
/// <param name="subject">What is in it, in a sentence's beginning.</param>
/// <param name="open">Opens it.</param>
/// <param name="clock">The server's clock.</param>
/// <param name="logger">Is told what the driver says.</param>
internal sealed class DatabaseCheck<T>(string subject, Func<CancellationToken, Task<T>> open, TimeProvider clock, ILogger<DatabaseCheck<T>> logger) : BoundedCheck(clock, logger)
    where T : DbContext
{
    /// <inheritdoc/>
    protected override string Subject => subject;

    /// <inheritdoc/>
    protected override async Task<string?> Look(CancellationToken cancellationToken)
    {
        await using var database = await open(cancellationToken);
        var connection = database.Database.GetDbConnection();
        if (connection is SqliteConnection { DataSource: var file } && !File.Exists(file))
        {
            return $"{subject} is gone."; // connections that were open go on with a file that nobody will find again
        }

        // Beside the context, which would write each failure to the log, and each second.
        await connection.OpenAsync(cancellationToken);
        var applied = await Applied(connection, database, cancellationToken);
        return database.Database.GetMigrations().All(applied.Contains) ? null : $"{subject} is older than this program.";
    }

    private static async Task<HashSet<string>> Applied(DbConnection connection, T database, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
        var table = RelationalOptionsExtension.Extract(database.GetService<IDbContextOptions>()).MigrationsHistoryTableName ?? HistoryRepository.DefaultTableName;
        command.CommandText = $"""SELECT "MigrationId" FROM "{table}" """;
        command.CommandTimeout = 1;
        await using var rows = await command.ExecuteReaderAsync(cancellationToken);
        var applied = new HashSet<string>(StringComparer.Ordinal);
        while (await rows.ReadAsync(cancellationToken))
        {
            applied.Add(rows.GetString(0));
        }

        return applied;
    }
}
