using NannyOrleans.Api.Dashboard.Live;
using NannyOrleans.Grains.Changes;

namespace NannyOrleans.Api.Tests.Dashboard;

/// <summary>When an Api has to say that it may have missed something.</summary>
public sealed class FeedPositionTests
{
    private static readonly Guid First = Guid.NewGuid();
    private static readonly Guid Second = Guid.NewGuid();

    // "r7": a renewal answered 7; "b7": batch 7 came; ".": the moment after a renewal is over. Upper case: of another life of the feed.
    [Theory]
    [InlineData("r7", "r")] // what was before is not known here
    [InlineData("b7 r7 .", "b")] // the batch was faster than the answer
    [InlineData("r0 . b1 b2 r2 . b3", "r")]
    [InlineData("r7 b8 b9 . r9 .", "r")]
    [InlineData("r7 . b9", "r b")] // 8 is lost, or late
    [InlineData("r7 . b9 b8 b10", "r b")] // it was late, and is told as well
    [InlineData("r7 . b8 b8 b9", "r")] // twice is harmless
    [InlineData("r7 . r9 b8 b9 .", "r")] // they were on their way
    [InlineData("r7 . r9 b8 . b10", "r .")] // 9 did not come: said once
    [InlineData("r7 . r9 . r9 .", "r .")] // nor in the next round
    [InlineData("r7 . b8 R0 . B1", "r R")] // another activation of the grain
    [InlineData("r7 . b8 B1 R1 .", "r B")] // whose batch was first
    [InlineData("r7 . B3 b8 R3 .", "r B b R")] // one that was cut off and does not know: each may have what the other has not
    public void Says_so_whenever_something_may_not_have_come_and_not_else(string story, string lost)
    {
        var (position, said) = (FeedPosition.Start, new List<string>());
        foreach (var what in story.Split(' '))
        {
            var mark = what is "." ? null : new FeedMark(char.IsUpper(what[0]) ? Second : First, long.Parse(what[1..], System.Globalization.CultureInfo.InvariantCulture));
            (position, var isLost) = char.ToLowerInvariant(what[0]) switch
            {
                'r' => position.Renew(mark!),
                'b' => position.Take(mark!),
                _ => position.Settle(),
            };
            if (isLost)
            {
                said.Add(what[..1]);
            }
        }

        Assert.Equal(lost, string.Join(' ', said));
    }
}
