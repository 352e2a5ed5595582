using System.Globalization;
using System.Text;

namespace NannyOrleans.Api.Dashboard.Pages.Clusters;

/// <summary>Where the line of a chart runs.</summary>
/// <param name="Path">An SVG path, in a box of <see cref="Width"/> by <see cref="Height"/>; broken where nothing was measured.</param>
/// <param name="Top">The value at the upper edge; the lower one is 0.</param>
/// <param name="Least">The smallest value; null without any.</param>
/// <param name="Mean">The mean; null without any.</param>
/// <param name="Greatest">The greatest value; null without any.</param>
internal sealed record ChartShape(string Path, double Top, double? Least, double? Mean, double? Greatest)
{
    /// <summary>How wide the box is.</summary>
    public const int Width = 600;

    /// <summary>How high it is.</summary>
    public const int Height = 100;

    /// <summary>The line of some values.</summary>
    /// <param name="points">The oldest first.</param>
    /// <param name="from">At the left edge.</param>
    /// <param name="to">At the right edge.</param>
    /// <param name="gap">Between two that are further apart than this nothing was measured, and nothing is drawn.</param>
    public static ChartShape Of(IReadOnlyList<(DateTimeOffset At, double? Value)> points, DateTimeOffset from, DateTimeOffset to, TimeSpan gap)
    {
        (DateTimeOffset At, double Value)[] known = [.. points.Where(point => point.Value is not null && point.At >= from && point.At <= to).Select(point => (point.At, point.Value!.Value))];
        if (known.Length is 0 || to <= from)
        {
            return new(string.Empty, 0, null, null, null);
        }

        var (greatest, path) = (known.Max(point => point.Value), new StringBuilder());
        var top = greatest > 0 ? greatest * 1.1 : 1;
        for (var i = 0; i < known.Length; i++)
        {
            var (x, y) = (Width * ((known[i].At - from) / (to - from)), Height - (Height * (known[i].Value / top)));
            var isFirst = i is 0 || known[i].At - known[i - 1].At > gap || HasGap(points, known[i - 1].At, known[i].At);
            path.Append(CultureInfo.InvariantCulture, $"{(isFirst ? 'M' : 'L')}{x:0.#} {y:0.#}");
            if (isFirst)
            {
                path.Append("h0"); // one alone is a dot
            }
        }

        return new(path.ToString(), top, known.Min(point => point.Value), known.Average(point => point.Value), greatest);
    }

    private static bool HasGap(IReadOnlyList<(DateTimeOffset At, double? Value)> points, DateTimeOffset after, DateTimeOffset before) =>
        points.Any(point => point.Value is null && point.At > after && point.At < before);
}
