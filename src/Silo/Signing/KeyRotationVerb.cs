using System.Security.Cryptography;
using Npgsql;

namespace NannyOrleans.Silo.Signing;

/// <summary>The verb <c>rotate-script-keys</c>, which both server programs know: new keys to sign scripts with, vouched for by the old ones.</summary>
public static class KeyRotationVerb
{
    private const string Verb = "rotate-script-keys";

    /// <summary>Whether the arguments are it.</summary>
    public static bool Is(string[] args) => args is [Verb, ..];

    /// <summary>Does it, with the settings that the server itself would have.</summary>
    /// <returns>The process's exit code: 0 when it is done, 1 when it can't be, 2 for wrong arguments.</returns>
    public static async Task<int> Run(string[] args)
    {
        if (args.Length > 1)
        {
            await Console.Error.WriteLineAsync(
                $"usage: {AppDomain.CurrentDomain.FriendlyName} {Verb}\nMakes new keys to sign scripts with. Hosts follow by themselves, unless the old keys may be in wrong hands: then register them again.");
            return args is [_, "--help" or "-h"] ? 0 : 2;
        }

        try
        {
            var options = SiloOptions.Read(new ConfigurationBuilder()
                .AddJsonFile(Path.Combine(AppContext.BaseDirectory, "appsettings.json"), optional: true)
                .AddEnvironmentVariables("NANNY_")
                .Build());
            await using var database = options.OnPostgres ? NpgsqlDataSource.Create(options.Postgres!) : null;

            // The files only when the database is there to be told: after a crash in between the servers refuse to start until this is done again.
            await using var connection = database is null ? null : await database.OpenConnectionAsync();
            ScriptKeyFiles.Rotate(options);
            foreach (var name in connection is null ? [] : ScriptKeyFiles.Names)
            {
                await using var command = new NpgsqlCommand("UPDATE installation_keys SET fingerprint = $2 WHERE name = $1", connection);
                command.Parameters.Add(new() { Value = name });
                command.Parameters.Add(new() { Value = Convert.ToHexString(SHA256.HashData(await File.ReadAllBytesAsync(options.PathOf(name)))) });
                await command.ExecuteNonQueryAsync();
            }

            await Console.Out.WriteLineAsync(connection is null
                ? "New keys are in place. Start the server again; hosts take them with their next script."
                : $"New keys are in place. Copy {string.Join(" and ", ScriptKeyFiles.Names)} to the other servers of the installation and start all of them again; hosts take them with their next script.");
            return 0;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"{AppDomain.CurrentDomain.FriendlyName}: {failure.Message}");
            return 1;
        }
        catch (Exception failure) when (ServerProcess.Reason(failure) is { } reason)
        {
            await Console.Error.WriteLineAsync($"{AppDomain.CurrentDomain.FriendlyName}: {reason}");
            return 1;
        }
    }
}
