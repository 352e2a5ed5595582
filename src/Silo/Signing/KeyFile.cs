namespace NannyOrleans.Silo.Signing;

/// <summary>A key kept in a file of mode 0600, made at the first start.</summary>
public static class KeyFile
{
    /// <summary>
    /// The file's text. One that is not there is written whole under another name and then given its own, which only one of several
    /// processes that start at once can do: all of them read the same key.
    /// </summary>
    public static string Read(string path, Func<string> make)
    {
        if (!File.Exists(path))
        {
            var half = WriteHalf(path, make());
            try
            {
                File.Move(half, path, overwrite: false);
            }
            catch (IOException) when (File.Exists(path)) // another process was first
            {
                File.Delete(half);
            }
        }

        return File.ReadAllText(path);
    }

    /// <summary>Puts another text in its place: whenever power fails, one of both is there whole.</summary>
    public static void Replace(string path, string text) => File.Move(WriteHalf(path, text), path, overwrite: true);

    private static string WriteHalf(string path, string text)
    {
        var half = $"{path}.{Environment.ProcessId}.new";
        File.Delete(half);
        using var file = new FileStream(half, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        using var writer = new StreamWriter(file);
        writer.Write(text);
        writer.Flush();
        file.Flush(flushToDisk: true);
        return half;
    }
}
