using System.Globalization;

namespace NannyOrleans.Bench.Failover;

/// <summary>What one way of losing a silo came to, in seconds.</summary>
internal sealed class Outage(string way)
{
    public List<double> Grains { get; } = [];

    public List<double> Rest { get; } = [];

    public void Note(int grains, TimeSpan answered, TimeSpan rest)
    {
        Grains.Add(answered.TotalSeconds);
        Rest.Add(rest.TotalSeconds);
        Figures.Say($"{way}: {grains} grains without an answer for {answered.TotalSeconds:F1} s, REST for {rest.TotalSeconds:F1} s");
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{way}, {Grains.Count} times: grains {Figures.Median(Grains):F1} s, at worst {Grains.Max():F1} s; REST {Figures.Median(Rest):F1} s, at worst {Rest.Max():F1} s");
}
