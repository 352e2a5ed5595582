using System.Globalization;

namespace NannyOrleans.Bench;

/// <summary>
/// Processor time of the whole machine, as the kernel counts it: of whatever runs, in containers and out of them, waited for or not. The one
/// measure that is the same for contenders of very different shapes.
/// </summary>
internal static class MachineCpu
{
    private const double TicksPerSecond = 100; // USER_HZ

    /// <summary>Seconds in which a core was busy, since boot.</summary>
    public static double BusySeconds()
    {
        // cpu user nice system idle iowait irq softirq ...; what a hypervisor took away was not ours.
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        int[] busy = [1, 2, 3, 6, 7];
        return busy.Sum(field => double.Parse(fields[field], CultureInfo.InvariantCulture)) / TicksPerSecond;
    }
}
