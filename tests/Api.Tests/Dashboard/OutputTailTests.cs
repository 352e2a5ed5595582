using NannyOrleans.Api.Dashboard.Pages.Operations;

namespace NannyOrleans.Api.Tests.Dashboard;

/// <summary>What a page keeps of an operation's output.</summary>
public sealed class OutputTailTests
{
    private static OutputEntry Page(string output, string error, string next, long outputOffset = 0, long errorOffset = 0) => new(output, error, outputOffset, errorOffset, next);

    private static string[] Lines(OutputTail tail) => [.. tail.Lines.Select(line => $"{(line.IsError ? "err" : "out")} {line.Text}")];

    [Fact]
    public void A_line_goes_on_where_it_began_though_the_other_channel_has_printed_since()
    {
        var tail = new OutputTail();
        Assert.True(tail.Take(Page("{\"mo", "one\ntw", "4-6")));
        Assert.True(tail.Take(Page("de\":1}\n\nend", "o\nthree\n", "15-14", 4, 6)));
        Assert.Equal(["out {\"mode\":1}", "err one", "err two", "out ", "out end", "err three"], Lines(tail));
        Assert.False(tail.Take(Page("", "", "15-14", 15, 14)));
        Assert.Equal((0, 0), (tail.LeftOut, tail.MissedBytes));
    }

    [Fact]
    public void What_the_server_does_not_have_any_more_is_counted()
    {
        var tail = new OutputTail();
        tail.Take(Page("b", "e", "101-51", 100, 50));
        Assert.Equal(150, tail.MissedBytes);
        tail.Take(Page("c", "", "112-51", 111, 51));
        Assert.Equal(160, tail.MissedBytes);
    }

    [Fact]
    public void It_keeps_its_bounds_whatever_is_printed()
    {
        var tail = new OutputTail();
        tail.Take(Page(string.Concat(Enumerable.Range(0, 5000).Select(line => $"line {line}\n")), "", "1-0"));
        Assert.Equal((OutputTail.MostLines, 3000), (tail.Lines.Count, tail.LeftOut));
        Assert.Equal("line 4999", tail.Lines.Last().Text);

        tail.Take(Page("", string.Concat(Enumerable.Repeat(new string('x', 3999) + "\n", 200)), "1-2"));
        Assert.True(tail.Lines.Sum(line => line.Text.Length) <= OutputTail.MostCharacters);
    }

    [Fact]
    public void A_line_of_a_megabyte_is_cut_and_says_so()
    {
        var tail = new OutputTail();
        tail.Take(Page(new string('x', 500_000), "", "1-0"));
        tail.Take(Page(new string('y', 548_576) + "\nnext", "", "2-0", 1));
        Assert.Equal(2, tail.Lines.Count);
        Assert.Equal((OutputTail.LongestLine, 1_048_576 - OutputTail.LongestLine), (tail.Lines.First().Text.Length, tail.Lines.First().Cut));
        Assert.Equal("next", tail.Lines.Last().Text);
    }

    [Fact]
    public void Signs_that_do_something_do_nothing()
    {
        var tail = new OutputTail();
        tail.Take(Page("\u001b[2J<script>alert(1)</script>\u202egnp.exe\r\n", "", "1-0"));
        Assert.Equal(["out ?[2J<script>alert(1)</script>?gnp.exe"], Lines(tail));
    }
}
