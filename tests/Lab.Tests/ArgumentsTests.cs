using NannyOrleans.Lab.Commands;

namespace NannyOrleans.Lab.Tests;

public sealed class ArgumentsTests
{
    private static readonly CommandSpec Exec = Pct.Specs.Single(s => s.Name == "exec");
    private static readonly CommandSpec Set = Pct.Specs.Single(s => s.Name == "set");

    [Fact]
    public void What_follows_two_dashes_is_the_guests()
    {
        var parsed = Arguments.Parse(Exec, ["100", "--keep-env", "0", "--", "ls", "-d", "--", "/"]);
        Assert.Null(parsed.Wrong);
        Assert.Equal([4, 5, 6, 7], parsed.Rest);
        Assert.False(parsed.Is("keep-env", unlessGiven: true));
    }

    [Theory]
    [InlineData("--keep-env", "--")] // no value is yes
    [InlineData("-keep-env=1", "--")]
    [InlineData("--keep", "on")] // a unique beginning is enough
    public void Options_are_read_as_Getopt_Long_reads_them(string first, string second) =>
        Assert.True(Arguments.Parse(Exec, ["100", first, second]).Is("keep-env"));

    [Theory]
    [InlineData("--memory 8", "memory: value must have a minimum value of 16\n")]
    [InlineData("--memory lots", "memory: type check ('integer') failed - got 'lots'\n")]
    [InlineData("--onboot maybe", "onboot: type check ('boolean') failed - got 'maybe'\n")]
    public void A_wrong_value_is_refused_with_its_reason(string words, string reason)
    {
        var wrong = Assert.IsType<Answer.Ends>(Arguments.Parse(Set, ["100", .. words.Split(' ')]).Wrong);
        Assert.Equal((255, $"400 Parameter verification failed.\n{reason}pct set <vmid> [OPTIONS]\n"), (wrong.Code, wrong.Err));
    }

    [Fact]
    public void Every_unknown_option_is_named()
    {
        var wrong = Assert.IsType<Answer.Ends>(Arguments.Parse(Exec, ["100", "ls", "-d", "--all"]).Wrong);
        Assert.StartsWith("Unknown option: d\nUnknown option: all\n400 unable to parse option\n", wrong.Err, StringComparison.Ordinal);
    }
}
