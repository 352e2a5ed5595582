using System.ComponentModel;
using System.Diagnostics;
using NannyOrleans.Silo.Storage;
using Npgsql;

namespace NannyOrleans.Silo.Backups;

/// <summary>The PostgreSQL database by its own programs, <c>pg_dump</c> and <c>pg_restore</c>, which know how to copy it while others write.</summary>
internal static class PostgresDump
{
    /// <summary>Writes a dump, all of it as it is at one instant.</summary>
    public static async Task Write(SiloOptions options, string path)
    {
        BackupFiles.Create(path).Dispose(); // closed to others before there is anything in it
        // Not which silos run: after a restore none of those does, and the new ones would try to reach them.
        await Run(options, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--exclude-table-data=orleansmembership*", $"--file={path}");
        await using var written = new FileStream(path, FileMode.Open, FileAccess.ReadWrite);
        written.Flush(flushToDisk: true);
    }

    /// <summary>Reads a dump into the database, which has to be there and empty: all of it or nothing.</summary>
    /// <returns>Which database that is.</returns>
    public static async Task<string> Restore(SiloOptions options, string path)
    {
        await using var database = PostgresDatabase.Open(options);
        await using var command = database.CreateCommand("SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')");
        var name = $"the database {new NpgsqlConnectionStringBuilder(options.Postgres).Database}";
        if (await command.ExecuteScalarAsync() is not 0L)
        {
            throw new CannotStartException($"There are tables in {name} already. Stop the servers and make a new database.");
        }

        await Run(options, "pg_restore", "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", $"--dbname={new NpgsqlConnectionStringBuilder(options.Postgres).Database}", path);
        return name;
    }

    private static async Task Run(SiloOptions options, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardInput = true };
        foreach (var (name, value) in Settings(new(options.Postgres)))
        {
            start.Environment[name] = value;
        }

        try
        {
            using var run = Process.Start(start)!;
            run.StandardInput.Close(); // it could ask for a password
            var said = await run.StandardError.ReadToEndAsync();
            await run.WaitForExitAsync();
            if (run.ExitCode is not 0)
            {
                throw new CannotStartException($"{program} exited with {run.ExitCode}: {said.Trim()}");
            }
        }
        catch (Win32Exception missing)
        {
            throw new CannotStartException($"{program} can't be started: {missing.Message}. On Debian it is in postgresql-client.", missing);
        }
    }

    /// <summary>The connection string in the words of PostgreSQL's own programs. Not as arguments, which everybody on the machine can read.</summary>
    internal static IEnumerable<(string Name, string Value)> Settings(NpgsqlConnectionStringBuilder said)
    {
        (string, string?)[] all =
        [
            ("PGHOST", said.Host),
            ("PGPORT", $"{said.Port}"),
            ("PGDATABASE", said.Database),
            ("PGUSER", said.Username),
            ("PGPASSWORD", said.Password),
            ("PGPASSFILE", said.Passfile),
            ("PGSSLROOTCERT", said.RootCertificate),
            ("PGSSLCERT", said.SslCertificate),
            ("PGSSLKEY", said.SslKey),
            ("PGSSLMODE", said.SslMode switch { SslMode.VerifyCA => "verify-ca", SslMode.VerifyFull => "verify-full", var mode => $"{mode}".ToLowerInvariant() }),
        ];
        return all.Where(one => !string.IsNullOrEmpty(one.Item2)).Select(one => (one.Item1, one.Item2!));
    }
}
