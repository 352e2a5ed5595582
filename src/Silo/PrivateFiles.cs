using System.Runtime.InteropServices;

namespace NannyOrleans.Silo;

/// <summary>What a server writes is for its own user alone: databases with their logs, keys, and whatever comes to be written later.</summary>
internal static partial class PrivateFiles
{
    private const UnixFileMode Others =
        UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>Has all files that this process makes from now on be of mode 0600, and directories of 0700, however it was started: SQLite asks for none.</summary>
    public static void ByDefault() => _ = Umask((uint)Others);

    /// <summary>
    /// Takes what servers have made there before away from others: databases and keys, by their names, and nothing else, since a person may have named any
    /// directory. What belongs to somebody else stays as it is: who gave it to this server knows why.
    /// </summary>
    public static void TakeFromOthers(string directory)
    {
        foreach (var path in Ours.SelectMany(names => Directory.EnumerateFiles(directory, names)))
        {
            try
            {
                var mode = File.GetUnixFileMode(path);
                if ((mode & Others) is not 0 && File.ResolveLinkTarget(path, returnFinalTarget: false) is null)
                {
                    File.SetUnixFileMode(path, mode & ~Others);
                }
            }
            catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
            {
                // gone meanwhile, or another's
            }
        }
    }

    private static readonly string[] Ours = ["*.db", "*.db-wal", "*.db-shm", "*.pem", "*.key"];

    [LibraryImport("libc", EntryPoint = "umask")]
    private static partial uint Umask(uint mask);
}
