namespace NannyOrleans.Agent.Metrics;

/// <summary>Walks through the text of a kernel file, line by line or word by word, without making anything of it that must be collected.</summary>
internal ref struct Words(ReadOnlySpan<byte> text)
{
    private ReadOnlySpan<byte> rest = text;

    /// <summary>The next line, without its end.</summary>
    /// <returns>False when there is none.</returns>
    public bool NextLine(out ReadOnlySpan<byte> line)
    {
        if (rest.IsEmpty)
        {
            line = default;
            return false;
        }

        var end = rest.IndexOf((byte)'\n');
        line = end < 0 ? rest : rest[..end];
        rest = end < 0 ? default : rest[(end + 1)..];
        return true;
    }

    /// <summary>The next word; empty when there is none.</summary>
    public ReadOnlySpan<byte> Next()
    {
        rest = rest.TrimStart(" \t\n"u8);
        var end = rest.IndexOfAny((byte)' ', (byte)'\t', (byte)'\n');
        var word = end < 0 ? rest : rest[..end];
        rest = rest[word.Length..];
        return word;
    }

    /// <summary>The next word as <see cref="Number(ReadOnlySpan{byte})"/>.</summary>
    public long? NextNumber() => Number(Next());

    /// <summary>A whole number from 0 on; null when the text is anything else, or larger than any real figure.</summary>
    public static long? Number(ReadOnlySpan<byte> digits)
    {
        if (digits.Length is 0 or > 18)
        {
            return null;
        }

        var number = 0L;
        foreach (var digit in digits)
        {
            if (digit is < (byte)'0' or > (byte)'9')
            {
                return null;
            }

            number = (number * 10) + (digit - (byte)'0');
        }

        return number;
    }

    /// <summary>The number behind <paramref name="key"/> in a file with a key and a number in each line; null when there is none.</summary>
    public static long? Value(ReadOnlySpan<byte> text, ReadOnlySpan<byte> key)
    {
        var lines = new Words(text);
        while (lines.NextLine(out var line))
        {
            var words = new Words(line);
            if (words.Next().SequenceEqual(key))
            {
                return words.NextNumber();
            }
        }

        return null;
    }
}
