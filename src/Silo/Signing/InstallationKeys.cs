using System.Security.Cryptography;
using Npgsql;

namespace NannyOrleans.Silo.Signing;

/// <summary>A key that every process of the installation must have alike.</summary>
/// <param name="Path">Its file.</param>
/// <param name="Fingerprint">SHA-256 of the file, in hex.</param>
public sealed record InstallationKey(string Path, string Fingerprint);

/// <summary>Names the keys.</summary>
public static class InstallationKeySetup
{
    /// <summary>Has the key in a file, which is there by now, compared before the server starts, where several share an installation.</summary>
    public static void AddInstallationKey(this IServiceCollection services, string path) =>
        services.AddSingleton(new InstallationKey(path, Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)))));
}

/// <summary>
/// Compares this process's keys with those that the installation began with. With others it would sign what agents refuse, and refuse the tokens
/// that its neighbours give out. The database knows fingerprints alone: whoever steals it has no key.
/// </summary>
internal sealed class InstallationKeys(NpgsqlDataSource database, IEnumerable<InstallationKey> keys) : IHostedService
{
    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var key in keys)
        {
            await using var command = database.CreateCommand(
                """
                WITH first AS (INSERT INTO installation_keys VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING fingerprint)
                SELECT fingerprint FROM first UNION ALL SELECT fingerprint FROM installation_keys WHERE name = $1
                """);
            command.Parameters.Add(new() { Value = Path.GetFileName(key.Path) });
            command.Parameters.Add(new() { Value = key.Fingerprint });

            // Nothing at all: another process was first in this very moment, and its key can be read by now.
            var known = await command.ExecuteScalarAsync(cancellationToken) ?? await command.ExecuteScalarAsync(cancellationToken);
            if (known as string != key.Fingerprint)
            {
                throw new CannotStartException(
                    $"{key.Path} is not the key that this installation began with. Copy the *.pem and *.key files of a server that runs into {Path.GetDirectoryName(key.Path)}.");
            }
        }
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
