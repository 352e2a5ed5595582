using System.Reflection;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using NannyOrleans.Silo.Audit;

namespace NannyOrleans.Silo.Backups;

/// <summary>What is in a backup: its file <c>backup.json</c>, written last.</summary>
/// <param name="Store">Where the data lay: <see cref="Sqlite"/> or <see cref="Postgres"/>.</param>
/// <param name="MadeAt">When.</param>
/// <param name="Version">The version of the program that made it.</param>
/// <param name="Files">Each file's SHA-256 in hex, by name.</param>
internal sealed record BackupContents(
    [property: JsonRequired] string Store,
    [property: JsonRequired] DateTimeOffset MadeAt,
    [property: JsonRequired] string Version,
    [property: JsonRequired] IReadOnlyDictionary<string, string> Files)
{
    public const string Sqlite = "sqlite";
    public const string Postgres = "postgres";

    /// <summary>The dump of the PostgreSQL database.</summary>
    public const string Dump = "database.dump";

    private const string Name = "backup.json";
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    /// <summary>The SQLite databases of an installation.</summary>
    public static IReadOnlyList<string> Databases { get; } = ["grains.db", "history.db", "accounts.db"];

    /// <summary>The keys of an installation. Whoever has them can give out tokens and sign scripts.</summary>
    public static IReadOnlyList<string> Keys { get; } = ["token-signing.pem", "token-encryption.key", "script-catalogue.pem", "script-custom.pem", "silo-tls.pem", AuditKey.File];

    /// <summary>Where the data of a server with these settings lies.</summary>
    public static string StoreOf(SiloOptions options) => options.OnPostgres ? Postgres : Sqlite;

    /// <summary>Sums up what a directory holds, and writes that beside it.</summary>
    public static void Write(string directory, string store, DateTimeOffset now)
    {
        var files = Directory.EnumerateFiles(directory).Order(StringComparer.Ordinal).ToDictionary(path => Path.GetFileName(path)!, Sum, StringComparer.Ordinal);
        var version = typeof(BackupContents).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "unknown";
        BackupFiles.Write(Path.Combine(directory, Name), JsonSerializer.SerializeToUtf8Bytes(new BackupContents(store, now, version, files), Json));
    }

    /// <summary>Reads what a backup holds, and that all of it is there unchanged.</summary>
    /// <exception cref="CannotStartException">It is no backup, not a whole one, or of the other kind of store.</exception>
    public static BackupContents Read(string directory, string store)
    {
        var path = Path.Combine(directory, Name);
        BackupContents contents;
        try
        {
            contents = JsonSerializer.Deserialize<BackupContents>(File.ReadAllBytes(path), Json)!;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new CannotStartException($"{directory} is no whole backup: {unreadable.Message}", unreadable);
        }

        if (contents.Store != store)
        {
            throw new CannotStartException($"{directory} is a backup of a server on {contents.Store}, and by Silo:Postgres this one is on {store}.");
        }

        foreach (var file in Expected(store))
        {
            var copy = Path.Combine(directory, file);
            if (!contents.Files.TryGetValue(file, out var sum) || !File.Exists(copy))
            {
                throw new CannotStartException($"{directory} is no whole backup: {file} is missing.");
            }

            if (Sum(copy) != sum)
            {
                throw new CannotStartException($"{copy} is not as it was when the backup was made.");
            }
        }

        return contents;
    }

    private static IEnumerable<string> Expected(string store) => store is Postgres ? [Dump, .. Keys] : [.. Databases, .. Keys];

    private static string Sum(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }
}
