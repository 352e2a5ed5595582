namespace NannyOrleans.Agent.Inventories;

/// <summary>Orders versions without an epoch, such as kernel releases, as <c>dpkg --compare-versions</c> does.</summary>
internal sealed class DebianVersion : IComparer<string>
{
    /// <summary>The order.</summary>
    public static DebianVersion Order { get; } = new();

    /// <inheritdoc/>
    public int Compare(string? x, string? y)
    {
        ReadOnlySpan<char> one = x, other = y;
        while (!one.IsEmpty || !other.IsEmpty)
        {
            // By turns: a run of anything but digits, character by character, then a number.
            while ((!one.IsEmpty && !char.IsAsciiDigit(one[0])) || (!other.IsEmpty && !char.IsAsciiDigit(other[0])))
            {
                if (Weight(one).CompareTo(Weight(other)) is not 0 and var difference)
                {
                    return difference;
                }

                one = one.IsEmpty ? one : one[1..];
                other = other.IsEmpty ? other : other[1..];
            }

            var mine = Number(ref one);
            var its = Number(ref other);
            if (mine.Length != its.Length)
            {
                return mine.Length.CompareTo(its.Length); // without leading zeros the longer number is the larger
            }

            if (mine.SequenceCompareTo(its) is not 0 and var order)
            {
                return order;
            }
        }

        return 0;
    }

    /// <summary>A tilde comes before the end, the end before letters, letters before all else. A digit is an end, too.</summary>
    private static int Weight(ReadOnlySpan<char> text) => text switch
    {
        [] or [>= '0' and <= '9', ..] => 0,
        ['~', ..] => -1,
        [var c, ..] when char.IsAsciiLetter(c) => c,
        _ => text[0] + 256,
    };

    private static ReadOnlySpan<char> Number(ref ReadOnlySpan<char> text)
    {
        var end = text.IndexOfAnyExceptInRange('0', '9') is >= 0 and var other ? other : text.Length;
        var number = text[..end].TrimStart('0');
        text = text[end..];
        return number;
    }
}
