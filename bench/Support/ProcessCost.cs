using System.Globalization;

namespace NannyOrleans.Bench;

/// <summary>What a process costs, as the kernel counts it.</summary>
/// <param name="CpuSeconds">Processor time since its start, that of the programs it has run and waited for included.</param>
/// <param name="OwnCpuSeconds">Processor time of the process alone.</param>
/// <param name="RssMiB">Memory it holds now.</param>
/// <param name="PeakMiB">The most memory it has held.</param>
internal readonly record struct ProcessCost(double CpuSeconds, double OwnCpuSeconds, double RssMiB, double PeakMiB)
{
    private const double TicksPerSecond = 100; // USER_HZ

    /// <summary>Reads it.</summary>
    public static ProcessCost Of(int pid)
    {
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        double[] ticks = [.. fields[11..15].Select(field => double.Parse(field, CultureInfo.InvariantCulture))]; // utime, stime, cutime, cstime
        var status = File.ReadAllLines($"/proc/{pid}/status");
        return new(ticks.Sum() / TicksPerSecond, (ticks[0] + ticks[1]) / TicksPerSecond, MiB(status, "VmRSS:"), MiB(status, "VmHWM:"));
    }

    /// <summary>Reads it; null when the process has ended.</summary>
    public static ProcessCost? TryOf(int pid)
    {
        try
        {
            return Of(pid);
        }
        catch (Exception gone) when (gone is IOException or InvalidOperationException)
        {
            return null; // a zombie has no memory to speak of
        }
    }

    private static double MiB(string[] status, string name) =>
        double.Parse(status.First(line => line.StartsWith(name, StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
}
