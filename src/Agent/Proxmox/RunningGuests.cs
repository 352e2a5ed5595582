using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Proxmox;

/// <summary>
/// Which guests run, the way <c>pct list</c> and <c>qm list</c> find out, without starting them: a fraction of a millisecond where
/// each of the two costs most of a CPU second. Not for use from two places at once.
/// </summary>
internal sealed partial class RunningGuests(Host host)
{
    private readonly FileBytes file = new();

    /// <summary>
    /// The containers that run: LXC's monitor of each listens on an abstract socket named after the container's directory. One that is
    /// starting or stopping has it, too.
    /// </summary>
    public RunningSet Containers()
    {
        if (LxcPath(out var lxcPath) is { } noPath)
        {
            return RunningSet.Unknown(noPath);
        }

        var unix = host.At("/proc/net/unix");
        if (file.Read(unix) is not 0 and var error)
        {
            return RunningSet.Unknown(FileBytes.Problem(unix, error));
        }

        return file.Content.StartsWith("Num "u8)
            ? new(ListeningContainers(file.Content, lxcPath), null, null)
            : RunningSet.Unknown($"{unix} is not the kernel's list of sockets");
    }

    /// <summary>The VMs that run: each has a pid file, and its process names the VM's number.</summary>
    public RunningSet Vms()
    {
        var directory = host.At("/var/run/qemu-server");
        var found = new HashSet<Vmid>();
        Dictionary<Vmid, string>? unsure = null;
        try
        {
            // qemu-server makes the directory before its first start after a boot: where only it is missing, no VM was started.
            if (!Directory.Exists(directory) && Directory.Exists(host.At("/var/run")))
            {
                return new(found, null, null);
            }

            foreach (var path in Directory.EnumerateFiles(directory, "*.pid"))
            {
                if (Vmid.TryParse(Path.GetFileNameWithoutExtension(path), null, out var vmid))
                {
                    switch (IsRunning(path, vmid, out var problem))
                    {
                        case true: found.Add(vmid); break;
                        case null: (unsure ??= [])[vmid] = problem!; break;
                    }
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return RunningSet.Unknown($"{directory} cannot be read: {e.Message}");
        }

        return new(found, unsure, null);
    }

    /// <summary>Containers with a listening command socket in a list of sockets as the kernel writes it.</summary>
    internal static HashSet<Vmid> ListeningContainers(ReadOnlySpan<byte> sockets, string lxcPath)
    {
        var start = Encoding.UTF8.GetBytes($"@{lxcPath}/");
        var found = new HashSet<Vmid>();
        foreach (var range in sockets.Split((byte)'\n'))
        {
            var line = sockets[range];
            var name = line.IndexOf(start);
            if (name > 0 && line.EndsWith("/command"u8) && IsListening(line[..name])
                && VmidOf(line[(name + start.Length)..^"/command"u8.Length]) is { } vmid)
            {
                found.Add(vmid);
            }
        }

        return found;
    }

    /// <summary>Whether a command line (arguments ended by NUL) is that of this VM: <c>-id</c> and the number, as Proxmox starts it.</summary>
    internal static bool IsOf(Vmid vmid, ReadOnlySpan<byte> commandLine)
    {
        var wanted = false;
        Span<byte> number = stackalloc byte[10];
        var id = number[..Encoding.ASCII.GetBytes(vmid.Value.ToString(CultureInfo.InvariantCulture), number)];
        foreach (var range in commandLine.Split((byte)0))
        {
            var argument = commandLine[range];
            if (wanted && argument.SequenceEqual(id))
            {
                return true;
            }

            wanted = argument.SequenceEqual("-id"u8);
        }

        return false;
    }

    // Connections to a monitor have the same name as the socket that listens; only the latter has SO_ACCEPTCON among its flags.
    private static bool IsListening(ReadOnlySpan<byte> fields) => fields.IndexOf(" 00010000 "u8) > 0;

    private static Vmid? VmidOf(ReadOnlySpan<byte> digits) =>
        digits.Length <= 9 && Vmid.TryParse(Encoding.ASCII.GetString(digits), null, out var vmid) ? vmid : null;

    private bool? IsRunning(string pidFile, Vmid vmid, out string? problem)
    {
        problem = null;
        var error = file.Read(pidFile);
        if (error is FileBytes.NotThere)
        {
            return false; // it ended between the listing and here
        }

        if (error is not 0)
        {
            problem = FileBytes.Problem(pidFile, error);
            return null;
        }

        if (file.Content.Length > 20 || !int.TryParse(file.Content.TrimEnd((byte)'\n'), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) || pid is 0)
        {
            problem = $"{pidFile} does not hold a process id";
            return null;
        }

        // The kernel's own /proc, wherever the root is: processes have none. A reused pid is another program's.
        var commandLine = string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/cmdline");
        error = file.Read(commandLine);
        if (error is 0 or FileBytes.NotThere or FileBytes.NoSuchProcess)
        {
            return IsOf(vmid, file.Content);
        }

        problem = FileBytes.Problem(commandLine, error);
        return null;
    }

    private unsafe string? LxcPath(out string resolved)
    {
        resolved = host.At("/var/lib/lxc");
        var buffer = stackalloc byte[LongestPath];
        if (RealPath(resolved, buffer) is not null)
        {
            resolved = Marshal.PtrToStringUTF8((nint)buffer)!;
            return null;
        }

        // A directory that is not there is no link to another one, so its name is the socket's.
        return Marshal.GetLastPInvokeError() is not FileBytes.NotThere and var error ? FileBytes.Problem(resolved, error) : null;
    }

    private const int LongestPath = 4096;

    [LibraryImport("libc", EntryPoint = "realpath", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial byte* RealPath(string path, byte* resolved);
}

/// <summary>The guests of one kind that run.</summary>
/// <param name="Found">Those that do; null when that cannot be told of any.</param>
/// <param name="Unsure">Single ones of which it cannot be told, and why; null when there are none.</param>
/// <param name="Problem">Why it cannot be told of any, in a person's words; null when it can.</param>
internal sealed record RunningSet(IReadOnlySet<Vmid>? Found, IReadOnlyDictionary<Vmid, string>? Unsure, string? Problem)
{
    /// <summary>It cannot be told of any guest.</summary>
    public static RunningSet Unknown(string problem) => new(null, null, problem);

    /// <summary>Running, stopped, or unknown with the reason.</summary>
    public (GuestStatus Status, string? Problem) Of(Vmid vmid) => this switch
    {
        { Found: null } => (GuestStatus.Unknown, Problem),
        _ when Unsure is not null && Unsure.TryGetValue(vmid, out var why) => (GuestStatus.Unknown, why),
        _ => (Found.Contains(vmid) ? GuestStatus.Running : GuestStatus.Stopped, null),
    };
}
