namespace NannyOrleans.Agent.Linux;

/// <summary>
/// Where this host's files and commands are. Every file is below <see cref="Root"/>, every command is found through
/// <see cref="SearchPath"/>: together they are the whole difference between a real host and one made for trying things out.
/// </summary>
internal sealed record Host
{
    public Host(string root, string searchPath)
    {
        Root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(root));
        SearchPath = searchPath;
    }

    /// <summary>An absolute path without a trailing slash; <c>/</c> on a real host.</summary>
    public string Root { get; }

    /// <summary>Directories separated by colons, as in <c>PATH</c>.</summary>
    public string SearchPath { get; }

    /// <summary>The agent's own state: credentials, journal, scripts.</summary>
    public string State => At("/var/lib/nannyagent");

    /// <summary>
    /// All variables that programs get. pct passes its own on into containers, so nothing of the agent's or of the host's may be
    /// among them.
    /// </summary>
    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string> { ["PATH"] = SearchPath, ["HOME"] = "/root", ["LANG"] = "C.UTF-8" };

    /// <summary>Where an absolute path of the host really is.</summary>
    public string At(string path) => Root is "/" ? path : Root + path;

    /// <summary>The kernel's boot id; null when it cannot be read.</summary>
    public string? BootId()
    {
        try
        {
            return File.ReadAllText(At("/proc/sys/kernel/random/boot_id")).Trim() is { Length: > 0 } id ? id : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Null is the answer that makes callers treat the boot as unknown, never as the same.
            return null;
        }
    }

    /// <summary>The host's name as its administrator set it.</summary>
    /// <exception cref="IOException">There is no readable <c>/etc/hostname</c> and the root is not this machine's own.</exception>
    public string Hostname()
    {
        var file = At("/etc/hostname");
        var text = File.Exists(file) ? File.ReadAllText(file).Trim() : string.Empty;
        return text switch
        {
            { Length: > 0 } => text,
            _ when Root is "/" => System.Environment.MachineName,
            _ => throw new FileNotFoundException($"{file} is missing or empty.", file),
        };
    }
}
