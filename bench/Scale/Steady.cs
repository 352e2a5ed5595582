using System.Diagnostics;
using System.Globalization;

namespace NannyOrleans.Bench.Scale;

/// <summary>What a while without change costs: processor time in percent of a core, and memory.</summary>
/// <param name="Agents">How many agents are connected.</param>
/// <param name="ApiCpu">Of the Api process that has them.</param>
/// <param name="SiloCpu">Of all silos together.</param>
/// <param name="PostgresCpu">Of PostgreSQL.</param>
/// <param name="ApiMiB">Memory of that Api process.</param>
/// <param name="SiloMiB">Of all silos together.</param>
/// <param name="Commits">Transactions a second.</param>
/// <param name="LogBytes">Bytes of PostgreSQL's write-ahead log a second.</param>
internal sealed record Steady(int Agents, double ApiCpu, double SiloCpu, double PostgresCpu, double ApiMiB, double SiloMiB, double Commits, double LogBytes)
{
    /// <summary>Measures.</summary>
    public static async Task<Steady> Measure(Installation installation, int agents, TimeSpan length)
    {
        var before = Reading.Now(installation);
        var databaseBefore = await Database(installation);
        await Task.Delay(length);
        var after = Reading.Now(installation);
        var databaseAfter = await Database(installation);
        var wall = Stopwatch.GetElapsedTime(before.At, after.At).TotalSeconds;
        return new(
            agents,
            100 * (after.Api.OwnCpuSeconds - before.Api.OwnCpuSeconds) / wall,
            100 * (after.SiloCpu - before.SiloCpu) / wall,
            100 * (after.PostgresCpu - before.PostgresCpu) / wall,
            after.Api.RssMiB,
            after.SiloMiB,
            (databaseAfter.Commits - databaseBefore.Commits) / wall,
            (databaseAfter.LogBytes - databaseBefore.LogBytes) / wall);
    }

    // What is counted is what sessions have told by now, which they do each second or so: over a minute that is little.
    private static async Task<(double Commits, double LogBytes)> Database(Installation installation)
    {
        var line = await installation.Sql("SELECT (SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()) || ' ' || pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')");
        double[] numbers = [.. line.Split(' ').Select(number => double.Parse(number, CultureInfo.InvariantCulture))];
        return (numbers[0], numbers[1]);
    }

    private sealed record Reading(long At, ProcessCost Api, double SiloCpu, double SiloMiB, double PostgresCpu)
    {
        public static Reading Now(Installation installation)
        {
            ProcessCost[] silos = [.. installation.Silos.Select(ProcessCost.Of)];
            return new(Stopwatch.GetTimestamp(), ProcessCost.Of(installation.Agents.Pid), silos.Sum(silo => silo.OwnCpuSeconds), silos.Sum(silo => silo.RssMiB), installation.PostgresCpuSeconds());
        }
    }
}
