using System.Runtime.InteropServices;

namespace NannyOrleans.Agent.Linux;

/// <summary>
/// Reads files into one buffer that is used again: hundreds of small kernel files every half minute leave nothing to collect, and one
/// that is not there costs no exception. Not for use from two places at once.
/// </summary>
/// <param name="limit">A larger file is not read: whatever it is, it is not what was looked for.</param>
internal sealed partial class FileBytes(int limit = 16 * 1024 * 1024)
{
    /// <summary>Error number: there is no such file.</summary>
    public const int NotThere = 2;

    /// <summary>Error number: there is no such process any more.</summary>
    public const int NoSuchProcess = 3;

    private byte[] buffer = new byte[Kept];
    private int length;

    /// <summary>What the last successful read brought; until the next one. Empty after a failed one.</summary>
    public ReadOnlySpan<byte> Content => buffer.AsSpan(0, length);

    /// <summary>Reads a whole file.</summary>
    /// <returns>0, else the error number; <see cref="Problem"/> puts it into words.</returns>
    public int Read(string path)
    {
        length = 0;
        if (buffer.Length > LargestKept)
        {
            buffer = new byte[Kept]; // one large file must not stay in memory for ever
        }

        // A pipe in a file's place would hold up an open that waits.
        var descriptor = Open(path, CloseOnExec | NonBlocking);
        if (descriptor < 0)
        {
            return Marshal.GetLastPInvokeError();
        }

        try
        {
            var error = Fill(descriptor);
            length = error is 0 ? length : 0;
            return error;
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    /// <summary>Why <paramref name="path"/> could not be read, in a person's words.</summary>
    public static string Problem(string path, int error) => $"{path} cannot be read: {Marshal.GetPInvokeErrorMessage(error)}";

    private int Fill(int descriptor)
    {
        while (true)
        {
            if (length == buffer.Length)
            {
                if (length >= limit)
                {
                    return TooLarge;
                }

                Array.Resize(ref buffer, (int)Math.Min((long)limit, buffer.Length * 2L));
            }

            var read = Read(descriptor, ref buffer[length], (nuint)(buffer.Length - length));
            if (read is 0)
            {
                return 0;
            }

            if (read < 0 && Marshal.GetLastPInvokeError() is not Interrupted and var error)
            {
                return error;
            }

            length += Math.Max(0, (int)read);
        }
    }

    private const int CloseOnExec = 0x80000;
    private const int NonBlocking = 0x800;
    private const int Interrupted = 4;
    private const int TooLarge = 27;
    private const int Kept = 16 * 1024;
    private const int LargestKept = 256 * 1024;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint Read(int descriptor, ref byte to, nuint count);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int Close(int descriptor);
}
