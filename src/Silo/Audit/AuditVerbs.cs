using System.Globalization;
using Microsoft.EntityFrameworkCore;
using NannyOrleans.Silo.History;
using NannyOrleans.Silo.Storage;
using Npgsql;

namespace NannyOrleans.Silo.Audit;

/// <summary>The verb <c>audit verify</c>, which both server programs know. It reads, and the servers may run meanwhile.</summary>
public static class AuditVerbs
{
    private const string Verb = "audit";
    private const string Verify = "verify";
    private const string Expect = "--expect";
    private const int Whole = 0;
    private const int Broken = 1;
    private const int NotSeen = 2;
    private static readonly TimeSpan SayEvery = TimeSpan.FromSeconds(5);

    private static string Program => AppDomain.CurrentDomain.FriendlyName;

    private static string Usage =>
        $"""
        usage: {Program} {Verb} {Verify} [{Expect} SEQUENCE:HASH]

        Follows the audit log from its first entry to its last, with the {AuditKey.File} of the data directory, and says where the first one is that
        was changed, left out, put in or cut off. It only reads; servers may run meanwhile. The settings are the server's (NANNY_Silo__...).

          {Expect} SEQUENCE:HASH   an end of the log as a silo has logged it ("The audit log ends at ...") or this verb has said it: shows
                                   whether the log was put back to an earlier time since

        Exit codes: 0 the log is whole, 1 it is not, 2 it could not be looked at.
        """;

    /// <summary>Whether the arguments are it.</summary>
    public static bool Is(string[] args) => args is [Verb, ..];

    /// <summary>Does what the arguments say, with the settings that the server itself would have.</summary>
    /// <returns>The process's exit code: 0 when the log is whole, 1 when it is not, 2 when it could not be looked at.</returns>
    public static async Task<int> Run(string[] args)
    {
        if (args is [Verb, "--help" or "-h" or "help"] or [Verb, Verify, "--help" or "-h"])
        {
            await Console.Out.WriteLineAsync(Usage);
            return Whole;
        }

        var expected = args is [_, Verify, Expect, var text] ? NotedHead.TryParse(text) : null;
        if (args is not ([_, Verify] or [_, Verify, Expect, _]) || (args.Length > 2 && expected is null))
        {
            await Console.Error.WriteLineAsync(args is [_, Verify, Expect, ..] ? $"{Program}: {Expect} takes {NotedHead.Expected}." : Usage);
            return NotSeen;
        }

        try
        {
            var options = SiloOptions.Read(new ConfigurationBuilder()
                .AddJsonFile(Path.Combine(AppContext.BaseDirectory, "appsettings.json"), optional: true)
                .AddEnvironmentVariables("NANNY_")
                .Build());
            var key = AuditKey.Read(options);
            await using var history = new ReadOnlyHistory(options);
            var verdict = await AuditVerification.Verify(history, key, expected, Progress(), CancellationToken.None);
            await (verdict.Problem is null ? Console.Out : Console.Error).WriteLineAsync(verdict.ToString());
            return verdict.Problem is null ? Whole : Broken;
        }
        catch (Exception failure) when ((ServerProcess.Reason(failure) ?? (failure is IOException or UnauthorizedAccessException or TimeoutException ? failure.Message : null)) is { } reason)
        {
            await Console.Error.WriteLineAsync($"{Program}: The audit log could not be looked at: {reason}");
            return NotSeen;
        }
    }

    private static Action<long, long> Progress()
    {
        var said = TimeProvider.System.GetTimestamp();
        return (entries, all) =>
        {
            if (TimeProvider.System.GetElapsedTime(said) >= SayEvery)
            {
                said = TimeProvider.System.GetTimestamp();
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{entries:N0} of {all:N0} entries ..."));
            }
        };
    }

    /// <summary>The history of a server that may run; nothing can be written to it.</summary>
    private sealed class ReadOnlyHistory : IDbContextFactory<HistoryDb>, IAsyncDisposable
    {
        private readonly NpgsqlDataSource? postgres;
        private readonly string file;

        public ReadOnlyHistory(SiloOptions options)
        {
            file = options.PathOf("history.db");
            postgres = options.OnPostgres ? PostgresDatabase.Open(options) : null;
            if (postgres is null && !File.Exists(file))
            {
                throw new CannotStartException($"{file} is missing: Silo:DataDirectory is not that of a server, or the server has never run.");
            }
        }

        public HistoryDb CreateDbContext() => postgres is null
            ? new HistoryDb(new DbContextOptionsBuilder<HistoryDb>().UseSqlite($"Data Source={file};Mode=ReadOnly").Options)
            : new PostgresHistoryDb(new DbContextOptionsBuilder<PostgresHistoryDb>().UseNpgsql(postgres).Options);

        public ValueTask DisposeAsync() => postgres?.DisposeAsync() ?? ValueTask.CompletedTask;
    }
}
