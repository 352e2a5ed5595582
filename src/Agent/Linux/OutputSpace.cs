using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace NannyOrleans.Agent.Linux;

/// <summary>
/// Keeps a program that prints without end from filling the disk: the middle of its output becomes a hole. The program notices nothing, the
/// file's length still counts every byte, and beginning and end stay as they are.
/// </summary>
internal static partial class OutputSpace
{
    /// <summary>Bytes kept at each end of a file.</summary>
    public const long KeptAtEnds = 8 * 1024 * 1024;

    /// <summary>Gives back the middle of a file that is far larger than its ends.</summary>
    /// <returns>Null when that is done or not due, else why not, in a person's words: a file system without holes, as a rule.</returns>
    public static string? GiveBack(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        var middle = RandomAccess.GetLength(file) - (2 * KeptAtEnds);
        return middle < KeptAtEnds || Allocate(file, PunchHole | KeepSize, KeptAtEnds, middle) is 0
            ? null
            : $"{path}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}";
    }

    private const int KeepSize = 1;
    private const int PunchHole = 2;

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int Allocate(SafeFileHandle file, int mode, long offset, long length);
}
