namespace NannyOrleans.Silo.Backups;

/// <summary>Files that nobody but their owner reads, and that are on disk before anything goes on.</summary>
internal static class BackupFiles
{
    /// <summary>Makes an empty one, in place of one that is there.</summary>
    public static FileStream Create(string path)
    {
        File.Delete(path);
        return new(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
    }

    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        using var file = Create(path);
        file.Write(content);
        file.Flush(flushToDisk: true);
    }

    public static void Copy(string from, string to)
    {
        using var source = File.OpenRead(from);
        using var file = Create(to);
        source.CopyTo(file);
        file.Flush(flushToDisk: true);
    }
}
