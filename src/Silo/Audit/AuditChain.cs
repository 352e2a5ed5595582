using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using NannyOrleans.Grains.History;
using NannyOrleans.Silo.History;

namespace NannyOrleans.Silo.Audit;

/// <summary>
/// How entries hang together: each one's hash covers all of it, its number and the hash of the one before it. A hash is an HMAC with a key that the
/// database does not know, so who has the database alone can't write the chain anew. The head says where the chain ends and is sealed with the same
/// key: entries that are cut off at the end are missed. Who puts back an older head with the entries of that time is only found by a head that was noted
/// elsewhere, which is why silos log it.
/// </summary>
internal static class AuditChain
{
    /// <summary>Bytes of a hash.</summary>
    public const int HashLength = 32;

    /// <summary>What stands for the hash of the entry before the first.</summary>
    public static ReadOnlySpan<byte> Genesis => new byte[HashLength];

    /// <summary>The entry as a database gives it back: in milliseconds UTC, and without what is no text in SQL. This is what is hashed.</summary>
    public static AuditEntry Storable(AuditEntry entry) => entry with
    {
        At = DateTimeOffset.FromUnixTimeMilliseconds(entry.At.ToUnixTimeMilliseconds()),
        Actor = SqlText.Storable(entry.Actor),
        Action = SqlText.Storable(entry.Action),
        Target = SqlText.Storable(entry.Target),
        Result = SqlText.Storable(entry.Result),
        Detail = entry.Detail is null ? null : SqlText.Storable(entry.Detail),
        Address = entry.Address is null ? null : SqlText.Storable(entry.Address),
    };

    /// <summary>
    /// What is hashed: one byte for the version of this form, then number, time in Unix milliseconds and the hash before, numbers in network order;
    /// then each text with one byte that says whether it is there, its length in bytes and its UTF-8. No two entries have one form.
    /// </summary>
    public static byte[] FormOf(long sequence, AuditEntry entry, ReadOnlySpan<byte> previous)
    {
        var form = new ArrayBufferWriter<byte>(512);
        form.Write([EntryForm]);
        Write(form, sequence);
        Write(form, entry.At.ToUnixTimeMilliseconds());
        form.Write(previous);
        foreach (var text in (ReadOnlySpan<string?>)[entry.Actor, entry.Address, entry.Action, entry.Target, entry.Cluster?.Value, entry.Result, entry.Detail])
        {
            Write(form, text);
        }

        return form.WrittenSpan.ToArray();
    }

    /// <summary>Hangs entries to the end of the chain.</summary>
    /// <param name="key">The installation's key.</param>
    /// <param name="head">Where the chain ends; null when there is none yet.</param>
    /// <param name="entries">The entries, at least one.</param>
    /// <returns>The entries in their places, and the new head.</returns>
    public static (IReadOnlyList<ChainedEntry> Chained, AuditHead Head) Append(AuditKey key, AuditHead? head, IEnumerable<AuditEntry> entries)
    {
        var (sequence, previous) = (head?.Sequence ?? 0, head?.Hash ?? Genesis.ToArray());
        var chained = new List<ChainedEntry>();
        foreach (var entry in entries.Select(Storable))
        {
            var hash = key.Authenticate(FormOf(++sequence, entry, previous));
            chained.Add(new(sequence, entry, previous, hash));
            previous = hash;
        }

        return (chained, Seal(key, sequence, previous));
    }

    /// <summary>Whether a head is one that was sealed with this key.</summary>
    public static bool IsSealed(AuditKey key, AuditHead head) => key.IsOf(SealForm(head.Sequence, head.Hash), head.Seal);

    private static AuditHead Seal(AuditKey key, long sequence, byte[] hash) => new(sequence, hash, key.Authenticate(SealForm(sequence, hash)));

    // Begins with another byte than an entry: neither can stand for the other.
    private static byte[] SealForm(long sequence, byte[] hash)
    {
        var form = new ArrayBufferWriter<byte>(64);
        form.Write([HeadForm]);
        Write(form, sequence);
        form.Write(hash);
        return form.WrittenSpan.ToArray();
    }

    private static void Write(ArrayBufferWriter<byte> form, long number)
    {
        BinaryPrimitives.WriteInt64BigEndian(form.GetSpan(sizeof(long)), number);
        form.Advance(sizeof(long));
    }

    private static void Write(ArrayBufferWriter<byte> form, string? text)
    {
        form.Write([text is null ? (byte)0 : (byte)1]);
        if (text is not null)
        {
            BinaryPrimitives.WriteInt32BigEndian(form.GetSpan(sizeof(int)), Encoding.UTF8.GetByteCount(text));
            form.Advance(sizeof(int));
            Encoding.UTF8.GetBytes(text, form);
        }
    }

    private const byte EntryForm = 1;
    private const byte HeadForm = 2;
}

/// <summary>An entry in its place in the chain.</summary>
internal sealed record ChainedEntry(long Sequence, AuditEntry Entry, byte[] Previous, byte[] Hash);

/// <summary>Where the chain ends.</summary>
/// <param name="Sequence">The number of the last entry.</param>
/// <param name="Hash">Its hash.</param>
/// <param name="Seal">HMAC over both.</param>
internal sealed record AuditHead(long Sequence, byte[] Hash, byte[] Seal)
{
    /// <summary>As it is noted and asked for: <c>SEQUENCE:HASH</c>.</summary>
    public override string ToString() => $"{Sequence}:{Convert.ToHexStringLower(Hash)}";
}
