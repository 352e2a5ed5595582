using System.Globalization;

namespace NannyOrleans.Lab.Linux;

/// <summary>A process as a file remembers it: by pid and start, since pids come again.</summary>
/// <param name="Pid">On this machine.</param>
/// <param name="Started">Ticks since the machine's boot.</param>
internal sealed record RunningProcess(int Pid, long Started)
{
    /// <summary>What the file names, if it lives.</summary>
    public static RunningProcess? Read(string file)
    {
        var words = Processes.Lines(file).FirstOrDefault()?.Split(' ') ?? [];
        return words.Length > 1 && int.TryParse(words[0], CultureInfo.InvariantCulture, out var pid)
            && long.TryParse(words[1], CultureInfo.InvariantCulture, out var started) && Processes.StartTicks(pid) == started
            ? new(pid, started)
            : null;
    }

    /// <summary>Remembers a process that was just started.</summary>
    public static void Write(string file, int pid) => LabDirectory.Replace(
        file, string.Create(CultureInfo.InvariantCulture, $"{pid} {Processes.StartTicks(pid) ?? 0}\n"), LabDirectory.Readable);
}
