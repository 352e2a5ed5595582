namespace NannyOrleans.Silo.Backups;

/// <summary>Makes a backup while the server runs.</summary>
internal static class BackupWriting
{
    /// <summary>Writes one into a directory that is not there yet. It has its name only once it is whole.</summary>
    /// <returns>What was done, for a person.</returns>
    /// <exception cref="CannotStartException">There is nothing to save, or it can't be.</exception>
    public static async Task<string> Write(SiloOptions options, string directory)
    {
        if (Path.Exists(directory))
        {
            throw new CannotStartException($"{directory} is there already. A backup is written into a directory of its own.");
        }

        var store = BackupContents.StoreOf(options);
        foreach (var needed in BackupContents.Keys.Concat(options.OnPostgres ? [] : BackupContents.Databases))
        {
            if (!File.Exists(options.PathOf(needed)))
            {
                throw new CannotStartException($"{options.PathOf(needed)} is missing: Silo:DataDirectory is not that of a server, or the server has never run.");
            }
        }

        var unfinished = $"{directory}.{Environment.ProcessId}.unfinished";
        Directory.CreateDirectory(unfinished, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        try
        {
            var now = TimeProvider.System.GetUtcNow();
            foreach (var key in BackupContents.Keys)
            {
                BackupFiles.Copy(options.PathOf(key), Path.Combine(unfinished, key));
            }

            if (options.OnPostgres)
            {
                await PostgresDump.Write(options, Path.Combine(unfinished, BackupContents.Dump));
            }
            else
            {
                SqliteCopies.Write(BackupContents.Databases, options.PathOf, file => Path.Combine(unfinished, file));
            }

            BackupContents.Write(unfinished, store, now);
            Directory.Move(unfinished, directory);
        }
        catch
        {
            Directory.Delete(unfinished, recursive: true);
            throw;
        }

        return $"Saved to {directory}. Its keys are secrets: whoever reads them can give out tokens and sign scripts.";
    }
}
