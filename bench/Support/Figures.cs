using System.Globalization;

namespace NannyOrleans.Bench;

/// <summary>What a benchmark reports: one line a figure, with what was hoped for, at the end of its output.</summary>
internal static class Figures
{
    private static readonly List<string> Lines = [];

    /// <summary>Notes a figure that should be <paramref name="most"/> at most.</summary>
    public static void AtMost(string name, double value, string unit, double most) =>
        Lines.Add(Text($"figure {name} {value:F2} {unit} target <= {most:0.##} {(value <= most ? "met" : "missed")}"));

    /// <summary>Notes a figure that should be <paramref name="least"/> at least.</summary>
    public static void AtLeast(string name, double value, string unit, double least) =>
        Lines.Add(Text($"figure {name} {value:F2} {unit} target >= {least:0.##} {(value >= least ? "met" : "missed")}"));

    /// <summary>Notes a figure that should be exactly <paramref name="wanted"/>.</summary>
    public static void Exactly(string name, double value, string unit, double wanted) =>
        Lines.Add(Text($"figure {name} {value:F2} {unit} target = {wanted:0.##} {(value == wanted ? "met" : "missed")}"));

    /// <summary>The value in the middle; of an even number the mean of the two there.</summary>
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length is 0 ? double.NaN : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    /// <summary>Prints all that were noted.</summary>
    public static void Print() => Lines.ForEach(Console.WriteLine);

    /// <summary>Says something along the way.</summary>
    public static void Say(FormattableString text) => Console.WriteLine(Text(text));

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Times of single requests.</summary>
internal sealed class Times
{
    private readonly List<double> milliseconds = [];

    public int Count => milliseconds.Count;

    public void Add(TimeSpan time)
    {
        lock (milliseconds)
        {
            milliseconds.Add(time.TotalMilliseconds);
        }
    }

    /// <summary>A percentile in milliseconds, by nearest rank.</summary>
    public double At(double percent)
    {
        double[] sorted = [.. milliseconds.Order()];
        return sorted.Length is 0 ? double.NaN : sorted[Math.Max(0, (int)Math.Ceiling(sorted.Length * percent / 100.0) - 1)];
    }
}
