using System.Runtime.InteropServices;
using System.Text;

namespace NannyOrleans.Lab.Linux;

/// <summary>The system calls .NET has no word for.</summary>
internal static partial class Native
{
    public const int LockExclusive = 2;
    public const int LockNow = 4;
    public const int Unlock = 8;
    public const int SigKill = 9;
    private const int SigPipe = 13;
    private const int ReadWriteCreateCloseOnExec = 0x2 | 0x40 | 0x80000;
    private const int ReadWriteCloseOnExec = 0x2 | 0x80000;
    private const int DetachMount = 2;
    private const int NoSuidNoDev = 2 | 4;
    private const int ReadOnly = 1;
    private const int Remount = 32;
    private const int BindMount = 4096;
    private const int SoftOpenFiles = 7;

    public static bool IsRoot => EffectiveUser() is 0;

    public static uint User => EffectiveUser();

    /// <summary>Replaces this process by <paramref name="program"/>, same pid. Returns the errno when that fails.</summary>
    /// <remarks>
    /// The environment is the C library's own copy, and arguments are bytes: neither passes through .NET strings, which would
    /// change what is not UTF-8. .NET ignores SIGPIPE and raises the limit of open files; both survive an exec and are put back.
    /// </remarks>
    public static unsafe int Exec(string program, IReadOnlyList<byte[]> arguments, ulong? openFiles)
    {
        _ = Signal(SigPipe, 0);
        if (openFiles is { } soft) { SetOpenFiles(soft); }
        var pointers = new IntPtr[arguments.Count + 1];
        for (var i = 0; i < arguments.Count; i++)
        {
            pointers[i] = Marshal.AllocHGlobal(arguments[i].Length + 1);
            Marshal.Copy(arguments[i], 0, pointers[i], arguments[i].Length);
            Marshal.WriteByte(pointers[i], arguments[i].Length, 0);
        }

        fixed (IntPtr* argv = pointers) { _ = Execv(program, argv); }
        return Marshal.GetLastPInvokeError();
    }

    /// <summary>The arguments of this process as bytes, without those the runtime's own start needed.</summary>
    public static List<byte[]> RawArguments()
    {
        var all = new List<byte[]>();
        var bytes = File.ReadAllBytes("/proc/self/cmdline");
        for (var start = 0; start < bytes.Length;)
        {
            var end = Array.IndexOf(bytes, (byte)0, start);
            if (end < 0) { end = bytes.Length; }
            all.Add(bytes[start..end]);
            start = end + 1;
        }

        return all;
    }

    /// <summary>A strict umask would make packages and host roots that others cannot read.</summary>
    public static void UseOrdinaryUmask() => _ = Umask(0x12);

    public static void SetEnvironment(string name, string value) => _ = Setenv(name, value, 1);

    public static void UnsetEnvironment(string name) => _ = Unsetenv(name);

    /// <summary>Writes to a descriptor without the console's encodings and their start-up cost.</summary>
    public static unsafe void Write(int descriptor, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        fixed (byte* start = bytes)
        {
            for (var done = 0; done < bytes.Length;)
            {
                var n = WriteFile(descriptor, start + done, (nuint)(bytes.Length - done));
                if (n <= 0) { return; } // the reader is gone: as a program ended by SIGPIPE, say no more
                done += (int)n;
            }
        }
    }

    /// <summary>Opens a lock file, creating it; -1 when that is not possible.</summary>
    public static int OpenLockFile(string path) => OpenFile(path, ReadWriteCreateCloseOnExec, 0x1A4);

    public static bool TryFlock(int descriptor, int operation) => Flock(descriptor, operation) is 0;

    public static void Close(int descriptor) => _ = CloseFile(descriptor);

    public static void MakeFifo(string path)
    {
        if (MakeFifo(path, 0x180) is not 0) { throw new IOException($"cannot make {path}: errno {Marshal.GetLastPInvokeError()}"); }
    }

    /// <summary>Renames over what is there. .NET follows a link that it should move.</summary>
    public static void Rename(string from, string to)
    {
        if (RenameFile(from, to) is not 0) { throw new IOException($"cannot rename {from} to {to}: errno {Marshal.GetLastPInvokeError()}"); }
    }

    public static void SendSignal(int pid, int signal) => _ = Kill(pid, signal);

    /// <summary>Makes <paramref name="directory"/> answer `Transport endpoint is not connected`, as after a killed pmxcfs.</summary>
    /// <remarks>It is the same thing: a FUSE mount whose daemon is gone. False where mounting is not allowed.</remarks>
    public static bool MountDeadFuse(string directory)
    {
        var fuse = OpenFile("/dev/fuse", ReadWriteCloseOnExec, 0);
        if (fuse < 0) { return false; }
        var mounted = Mount("nanny-lab", directory, "fuse", NoSuidNoDev, $"fd={fuse},rootmode=40000,user_id=0,group_id=0") is 0;
        Close(fuse);
        return mounted;
    }

    /// <summary>Makes what is in <paramref name="directory"/> unchangeable, for root too.</summary>
    public static bool MountReadOnly(string directory) =>
        Mount(directory, directory, "", BindMount, "") is 0 && Mount("", directory, "", BindMount | Remount | ReadOnly, "") is 0;

    public static bool Unmount(string directory) => Umount(directory, DetachMount) is 0;

    private static unsafe void SetOpenFiles(ulong soft)
    {
        var limits = stackalloc ulong[2];
        if (GetLimit(SoftOpenFiles, limits) is not 0 || soft > limits[1]) { return; }
        limits[0] = soft;
        _ = SetLimit(SoftOpenFiles, limits);
    }

    [LibraryImport("libc", EntryPoint = "execv", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int Execv(string path, IntPtr* argv);

    [LibraryImport("libc", EntryPoint = "signal")]
    private static partial IntPtr Signal(int signal, IntPtr handler);

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Setenv(string name, string value, int overwrite);

    [LibraryImport("libc", EntryPoint = "unsetenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Unsetenv(string name);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static unsafe partial nint WriteFile(int descriptor, byte* bytes, nuint count);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenFile(string path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int CloseFile(int descriptor);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Flock(int descriptor, int operation);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);

    [LibraryImport("libc", EntryPoint = "mkfifo", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakeFifo(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RenameFile(string from, string to);

    [LibraryImport("libc", EntryPoint = "umask")]
    private static partial uint Umask(uint mask);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint EffectiveUser();

    [LibraryImport("libc", EntryPoint = "mount", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Mount(string source, string target, string type, ulong flags, string data);

    [LibraryImport("libc", EntryPoint = "umount2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Umount(string target, int flags);

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static unsafe partial int GetLimit(int resource, ulong* limits);

    [LibraryImport("libc", EntryPoint = "setrlimit")]
    private static unsafe partial int SetLimit(int resource, ulong* limits);
}
