namespace NannyOrleans.Silo.Audit;

/// <summary>Follows the chain from its first entry on, and says where it is not whole.</summary>
/// <param name="key">The installation's key.</param>
/// <param name="expected">A head that was noted elsewhere; null without one.</param>
internal sealed class AuditCheck(AuditKey key, NotedHead? expected = null)
{
    private byte[] previous = AuditChain.Genesis.ToArray();

    /// <summary>The number of the last entry that was whole; 0 before the first.</summary>
    public long Last { get; private set; }

    /// <summary>Looks at the next entry.</summary>
    /// <returns>What is wrong with it; null when it is whole. After something wrong nothing more can be said.</returns>
    public string? Next(ChainedEntry entry)
    {
        if (entry.Sequence != Last + 1)
        {
            return entry.Sequence > Last + 1 ? $"it is missing; the next that is there is {entry.Sequence}" : $"entry {entry.Sequence} is out of its place";
        }

        if (!key.IsOf(AuditChain.FormOf(entry.Sequence, entry.Entry, entry.Previous), entry.Hash))
        {
            return "its content is not what was hashed with this key";
        }

        if (!entry.Previous.AsSpan().SequenceEqual(previous))
        {
            return $"it follows another entry {Last} than the one that is there";
        }

        if (expected?.Sequence == entry.Sequence && !expected.Hash.AsSpan().SequenceEqual(entry.Hash))
        {
            return "it is another one than was noted elsewhere: the log was put back to an earlier time and went on from there";
        }

        (Last, previous) = (entry.Sequence, entry.Hash);
        return null;
    }

    /// <summary>Looks whether the chain ends where it should, once all entries up to the head have been looked at.</summary>
    /// <returns>What is wrong with what comes after <see cref="Last"/>; null when nothing is.</returns>
    public string? End(AuditHead? head) => head switch
    {
        null => "the head is missing, which says where the log ends",
        _ when !AuditChain.IsSealed(key, head) => "the head, which says where the log ends, was not sealed with this key",
        _ when head.Sequence > Last => $"it is missing, and so is all up to {head.Sequence}, where the log ends",
        _ when head.Sequence < Last => $"the head says that the log ends at {head.Sequence}",
        _ when !head.Hash.AsSpan().SequenceEqual(previous) => $"the head belongs to another entry {head.Sequence}",
        _ when expected?.Sequence > Last => $"it is missing, and so is all up to {expected.Sequence}, which was noted elsewhere: the log was put back to an earlier time",
        _ => null,
    };
}

/// <summary>A head as it was noted.</summary>
internal sealed record NotedHead(long Sequence, byte[] Hash)
{
    /// <summary>What <see cref="TryParse"/> takes.</summary>
    public const string Expected = "SEQUENCE:HASH, as a silo has logged it or `audit verify` has said it";

    /// <summary>Reads <c>SEQUENCE:HASH</c>.</summary>
    public static NotedHead? TryParse(string? text) =>
        text?.Split(':') is [var number, { Length: 2 * AuditChain.HashLength } hash]
        && long.TryParse(number, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var sequence) && sequence > 0
        && hash.All(char.IsAsciiHexDigit)
            ? new(sequence, Convert.FromHexString(hash))
            : null;
}
