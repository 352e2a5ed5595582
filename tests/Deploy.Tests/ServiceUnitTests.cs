using System.Text.RegularExpressions;

namespace NannyOrleans.Deploy.Tests;

/// <summary>systemd's own opinion of the units.</summary>
public sealed partial class ServiceUnitTests : IDisposable
{
    private readonly DataDirectory copy = new();

    public void Dispose() => copy.Dispose();

    [Fact]
    public async Task Systemd_understands_every_line()
    {
        var units = Directory.GetFiles(Deployment.PathOf("."), "nanny*.*").Where(path => path.EndsWith(".service", StringComparison.Ordinal) || path.EndsWith(".timer", StringComparison.Ordinal)).ToArray();
        Assert.Equal(5, units.Length);
        foreach (var unit in units)
        {
            // What they start need not be installed here.
            await File.WriteAllTextAsync(copy.PathOf(Path.GetFileName(unit)), Started().Replace(await File.ReadAllTextAsync(unit), "ExecStart=/bin/true"));
        }

        var (code, said) = await Deployment.Run("systemd-analyze", ["verify", .. units.Select(unit => copy.PathOf(Path.GetFileName(unit)))]);
        Assert.Equal((0, ""), (code, said));
    }

    [Theory] // Tenths of systemd's "exposure level": 100 is a service that may do all. They are no higher than they have to be.
    [InlineData("nanny-api.service", 12)]
    [InlineData("nanny-silo.service", 12)]
    [InlineData("nanny-backup.service", 12)]
    [InlineData("nannyagent.service", 52)] // root, and it enters containers
    public async Task A_unit_may_do_no_more_than_it_could(string unit, int most)
    {
        var (code, said) = await Deployment.Run("systemd-analyze", ["security", "--offline=true", $"--threshold={most}", Deployment.PathOf(unit)]);
        Assert.True(code is 0, said);
    }

    [Theory]
    [InlineData("nanny-api.service")]
    [InlineData("nanny-silo.service")]
    [InlineData("nanny-backup.service")]
    [InlineData("nannyorleans.env.example")]
    public void Every_setting_is_one_that_our_programs_know(string file)
    {
        var names = Setting().Matches(File.ReadAllText(Deployment.PathOf(file))).Select(match => match.Value).ToArray();
        Assert.NotEmpty(names);
        Assert.All(names, name => Assert.True(Deployment.Knows(name), name));
    }

    [GeneratedRegex("^ExecStart=.*$", RegexOptions.Multiline)]
    private static partial Regex Started();

    [GeneratedRegex("\\bNANNY_[A-Za-z_]+")]
    private static partial Regex Setting();
}
