using NannyOrleans.Silo.Storage;

namespace NannyOrleans.Silo.Backups;

/// <summary>Puts a backup where a server will find it. It overwrites nothing.</summary>
internal static class BackupReading
{
    /// <summary>Puts it there.</summary>
    /// <returns>What was done, for a person.</returns>
    /// <exception cref="CannotStartException">It is no whole backup, or there is something already.</exception>
    public static async Task<string> Restore(SiloOptions options, string directory)
    {
        var contents = BackupContents.Read(directory, BackupContents.StoreOf(options));
        options.MakeDataDirectory();
        var where = options.OnPostgres ? await IntoPostgres(options, directory) : IntoSqlite(options, directory);
        return $"The backup of {contents.MadeAt:u} is in {where}. Start the servers now.";
    }

    private static string IntoSqlite(SiloOptions options, string directory)
    {
        using var only = new DataDirectoryLock(options, restoring: true);
        var begun = options.PathOf(DataDirectoryLock.Restoring);
        string[] files = [.. BackupContents.Keys, .. BackupContents.Databases];
        if (!File.Exists(begun)) // or what is there comes from a restore that was cut off, and is written once more
        {
            if (files.FirstOrDefault(file => File.Exists(options.PathOf(file))) is { } there)
            {
                throw new CannotStartException($"{options.PathOf(there)} is there already. Stop the server and move its data away first.");
            }

            BackupFiles.Write(begun, []);
        }

        foreach (var file in files)
        {
            File.Delete(options.PathOf($"{file}-wal")); // another database's
            File.Delete(options.PathOf($"{file}-shm"));
            BackupFiles.Copy(Path.Combine(directory, file), options.PathOf(file));
        }

        File.Delete(begun);
        return Path.GetFullPath(options.DataDirectory);
    }

    private static async Task<string> IntoPostgres(SiloOptions options, string directory)
    {
        foreach (var key in BackupContents.Keys)
        {
            var (saved, path) = (Path.Combine(directory, key), options.PathOf(key));
            if (!File.Exists(path))
            {
                continue;
            }

            if (!File.ReadAllBytes(path).AsSpan().SequenceEqual(File.ReadAllBytes(saved)))
            {
                throw new CannotStartException($"{path} is another key than the backup's. Stop the servers and move their keys away first.");
            }
        }

        // All of it or nothing; keys that are there without it do no harm, and the same ones are no hindrance when this is done again.
        foreach (var key in BackupContents.Keys.Where(key => !File.Exists(options.PathOf(key))))
        {
            BackupFiles.Copy(Path.Combine(directory, key), options.PathOf(key));
        }

        return await PostgresDump.Restore(options, Path.Combine(directory, BackupContents.Dump));
    }
}
