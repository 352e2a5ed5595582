using System.Globalization;
using NannyOrleans.Lab.Linux;

namespace NannyOrleans.Lab.Commands;

/// <summary>A worker as Proxmox VE keeps it: a line in <c>tasks/active</c> while it runs, a log of its own, a line in <c>tasks/index</c> at its end.</summary>
/// <remarks>Killed, it leaves its line: whoever reads the list looks whether the process is there, as on a real host.</remarks>
internal sealed class HostTask
{
    private const int FinishedKept = 25;
    private readonly string folder;

    private HostTask(string folder, string upid)
    {
        this.folder = folder;
        Upid = upid;
    }

    /// <summary>The task's name: node, process, its start, the time, type, id and user.</summary>
    public string Upid { get; }

    private string LogFile => $"{folder}/{Upid.Split(':')[4][7]}/{Upid}";

    /// <summary>Lists one.</summary>
    /// <param name="directory">The lab.</param>
    /// <param name="host">Where it runs.</param>
    /// <param name="type"><c>vzmigrate</c>, <c>qmigrate</c>, <c>vzdump</c>, ...</param>
    /// <param name="vmid">Of the guest it works on.</param>
    /// <param name="process">The process that does it; this one unless given.</param>
    public static HostTask Begin(LabDirectory directory, string host, string type, int vmid, int? process = null)
    {
        var pid = process ?? Environment.ProcessId;
        var upid = string.Create(CultureInfo.InvariantCulture,
            $"UPID:{host}:{pid:X8}:{Processes.StartTicks(pid) ?? 0:X8}:{DateTimeOffset.UtcNow.ToUnixTimeSeconds():X8}:{type}:{vmid}:root@pam:");
        var task = new HostTask($"{directory.Host(host)}/var/log/pve/tasks", upid);
        Directory.CreateDirectory(Path.GetDirectoryName(task.LogFile)!);
        File.WriteAllText(task.LogFile, "");
        task.Edit(lines => [$"{upid} 0", .. lines]);
        return task;
    }

    /// <summary>The task of that name on a host.</summary>
    public static HostTask Of(LabDirectory directory, string host, string upid) => new($"{directory.Host(host)}/var/log/pve/tasks", upid);

    /// <summary>Names of what the list of a host says is running, of one type.</summary>
    public static IReadOnlyList<string> Running(LabDirectory directory, string host, string type, int vmid) =>
        Processes.Lines($"{directory.Host(host)}/var/log/pve/tasks/active").Where(l => l.EndsWith(": 0", StringComparison.Ordinal))
            .Select(l => l[..^2]).Where(upid => upid.Split(':') is [_, _, _, _, _, var t, var id, ..] && t == type && id == $"{vmid}").ToList();

    /// <summary>Ends the processes of a host's tasks, as a power cut does. Their lines stay.</summary>
    public static void KillAll(LabDirectory directory, string host)
    {
        foreach (var line in Processes.Lines($"{directory.Host(host)}/var/log/pve/tasks/active").Where(l => l.EndsWith(": 0", StringComparison.Ordinal))) { Kill(line); }
    }

    /// <summary>Ends a task's process if it is still the one that began it.</summary>
    public static void Kill(string upid)
    {
        var words = upid.Split(':');
        var pid = int.Parse(words[2], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        if (pid != Environment.ProcessId && Processes.StartTicks(pid) == long.Parse(words[3], NumberStyles.HexNumber, CultureInfo.InvariantCulture)) { Native.SendSignal(pid, Native.SigKill); }
    }

    /// <summary>Adds to its log.</summary>
    public void Log(string text) => File.AppendAllText(LogFile, text);

    /// <summary>Ends it.</summary>
    /// <param name="failure">Why it failed; null when it did not.</param>
    public void End(string? failure)
    {
        var status = failure ?? "OK";
        Log($"TASK {(failure is null ? "" : "ERROR: ")}{status}\n");
        var end = string.Create(CultureInfo.InvariantCulture, $"{DateTimeOffset.UtcNow.ToUnixTimeSeconds():X8} {status}");
        Edit(lines =>
        {
            File.AppendAllText($"{folder}/index", $"{Upid} {end}\n");
            var others = lines.Where(l => !l.StartsWith(Upid, StringComparison.Ordinal)).ToList();
            var running = others.Where(l => l.EndsWith(" 0", StringComparison.Ordinal)).ToList();
            return [.. running, $"{Upid} 1 {end}", .. others.Except(running).Take(FinishedKept - 1)];
        });
    }

    private void Edit(Func<List<string>, IEnumerable<string>> edit)
    {
        using var held = LockFile.Take($"{folder}/.active.lock", TimeSpan.FromSeconds(10)) ?? throw new LabFailure($"{folder}/.active.lock has been held for ten seconds");
        var lines = edit(Processes.Lines($"{folder}/active").ToList()).ToList();
        LabDirectory.Replace($"{folder}/active", string.Concat(lines.Select(l => l + "\n")), LabDirectory.Readable);
    }
}
