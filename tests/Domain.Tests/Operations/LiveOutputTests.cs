using System.Text;
using CsCheck;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Protocol.Jobs;
using static NannyOrleans.Domain.Tests.Some;

namespace NannyOrleans.Domain.Tests.Operations;

public sealed class LiveOutputTests
{
    [Fact]
    public void What_was_printed_is_read_from_any_position_on()
    {
        var live = new LiveOutput();
        Assert.True(live.Add(Piece(0, "one ")));
        Assert.True(live.Add(Piece(4, "two ")));
        Assert.True(live.Add(Piece(0, "{}", OutputChannel.StandardOutput)));
        Assert.Equal(["{}", "one ", "two "], live.After(default).Select(piece => piece.Text));
        Assert.Equal(["two "], live.After(new(2, 4)).Select(piece => piece.Text));
        Assert.Equal(new(2, 8), live.After(default).Aggregate(default(OutputPosition), (at, piece) => at.After(piece)));
    }

    public static TheoryData<JobOutput, string> Bad => new()
    {
        { Piece(0, "again"), "it came before" },
        { Piece(-1, "x"), "it begins before the beginning" },
        { Piece(10, "x") with { Length = 0 }, "it stands for nothing" },
        { Piece(10, "x") with { Length = JobOutput.MaxLength + 1 }, "it is too long" },
        { Piece(10, new string('x', JobOutput.MaxLength + 1)) with { Length = 1 }, "its text is longer than what it stands for can be" },
        { Piece(long.MaxValue, "x"), "its end is no number" },
        { Piece(10, "x", (OutputChannel)7), "there is no such channel" },
    };

    [Theory]
    [MemberData(nameof(Bad), DisableDiscoveryEnumeration = true)]
    public void A_piece_that_no_honest_agent_sends_is_none(JobOutput piece, string why)
    {
        var live = new LiveOutput();
        live.Add(Piece(0, "0123456789"));
        Assert.False(live.Add(piece), why);
        Assert.Single(live.After(default));
    }

    [Fact]
    public void Only_the_end_of_a_flood_is_kept()
    {
        var live = new LiveOutput();
        var piece = new string('x', JobOutput.MaxLength);
        for (var number = 0; number < 100; number++)
        {
            Assert.True(live.Add(Piece((long)number * piece.Length, piece)));
        }

        var kept = live.After(default);
        Assert.Equal(LiveOutput.Kept, kept.Sum(one => one.Text.Length));
        Assert.Equal(100L * piece.Length, kept[^1].End);
    }

    [Fact]
    public void The_rest_of_what_was_stored_is_whole_from_any_position_between_characters() =>
        Gen.Select(Gen.Char.Array[0, 40_000].Select(text => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text))), Gen.Int[0, 40_000]).Sample(
            (text, start) =>
            {
                start = Math.Min(start, text.Length);
                start -= start > 0 && start < text.Length && char.IsLowSurrogate(text[start]) ? 1 : 0;
                var from = new OutputPosition(Encoding.UTF8.GetByteCount(text.AsSpan(0, start)), 0);
                var rest = from.Rest(new(text, string.Empty));
                Assert.Equal(text[start..], string.Concat(rest.Select(piece => piece.Text)));
                Assert.All(rest, piece => Assert.InRange(piece.End - piece.Offset, 1, JobOutput.MaxLength));
            },
            iter: 20);

    [Theory]
    [InlineData("0-0", true)]
    [InlineData("12-4096", true)]
    [InlineData("12", false)]
    [InlineData("-1-0", false)]
    [InlineData("1-2-3", false)]
    [InlineData("+1-0", false)]
    [InlineData("a-b", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    [InlineData("99999999999999999999-0", false)]
    public void A_position_is_two_numbers(string? text, bool valid)
    {
        Assert.Equal(valid, OutputPosition.TryParse(text, out var position));
        Assert.True(!valid || position.ToString() == text);
    }

    private static JobOutput Piece(long offset, string text, OutputChannel channel = OutputChannel.StandardError) => new(Id(1), channel, offset, text.Length, text);
}
