namespace NannyOrleans.Bench.Scale;

/// <summary>A straight line through points, by least squares.</summary>
/// <param name="At0">Where it begins.</param>
/// <param name="Slope">What one more adds.</param>
/// <param name="R2">How much of what differs it explains; 1 is all.</param>
internal readonly record struct Line(double At0, double Slope, double R2)
{
    public double At(double x) => At0 + (Slope * x);

    public static Line Through(IReadOnlyCollection<(double X, double Y)> points)
    {
        var (meanX, meanY) = (points.Average(point => point.X), points.Average(point => point.Y));
        var slope = points.Sum(point => (point.X - meanX) * (point.Y - meanY)) / points.Sum(point => (point.X - meanX) * (point.X - meanX));
        var line = new Line(meanY - (slope * meanX), slope, 0);
        var (rest, all) = (points.Sum(point => Math.Pow(point.Y - line.At(point.X), 2)), points.Sum(point => Math.Pow(point.Y - meanY, 2)));
        return line with { R2 = all is 0 ? 1 : 1 - (rest / all) };
    }
}
