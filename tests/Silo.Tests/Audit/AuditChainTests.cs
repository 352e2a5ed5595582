using System.Security.Cryptography;
using CsCheck;
using NannyOrleans.Grains.History;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Silo.Audit;

namespace NannyOrleans.Silo.Tests.Audit;

public sealed class AuditChainTests
{
    private static readonly AuditKey Key = new(RandomNumberGenerator.GetBytes(32));

    // Few different texts: entries that are alike, and texts that could be cut in another place, are what a form must tell apart.
    private static readonly Gen<string> Texts = Gen.OneOf("", "a", "b", "ab", "person admin", "a\u0000b", "ä", "\ud83d\ude00", "half \ud800");

    private static readonly Gen<AuditEntry> Entries = Gen.Select(
        Gen.Long[0, 4_000_000_000_000], Texts, Texts, Texts, Texts, Texts.Null(), Gen.Select(Texts.Null(), Gen.OneOf<ClusterId?>((ClusterId?)null, ClusterId.Parse("c0123456789abcdef"), ClusterId.Parse("m0123456789abcdef"))),
        (at, actor, action, target, result, detail, place) => new AuditEntry(DateTimeOffset.FromUnixTimeMilliseconds(at), actor, action, target, result, detail) { Address = place.Item1, Cluster = place.Item2 });

    private static readonly Gen<List<ChainedEntry>> Chains = Entries.List[2, 8].Select(entries => Of(Key, entries).ToList());

    [Fact]
    public void A_chain_that_nobody_has_touched_is_whole_in_whatever_parts_it_was_written() => Gen.Select(Entries.List[1, 8], Gen.Int[0, 8]).Sample((entries, cut) =>
    {
        cut = Math.Min(cut, entries.Count - 1);
        var (first, head) = cut is 0 ? ([], null) : ((IReadOnlyList<ChainedEntry>, AuditHead?))AuditChain.Append(Key, null, entries.Take(cut));
        var (second, end) = AuditChain.Append(Key, head, entries.Skip(cut));
        Assert.Null(Problem([.. first, .. second], end));
        Assert.Equal(Of(Key, entries).Select(entry => Convert.ToHexString(entry.Hash)), first.Concat(second).Select(entry => Convert.ToHexString(entry.Hash)));
    });

    [Fact]
    public void Any_change_of_any_field_is_found_at_its_entry() => Gen.Select(Chains, Entries, Gen.Int[0, 7], Gen.Int[0, 10], Gen.Int[0, 255]).Sample((chain, other, index, field, bits) =>
    {
        index %= chain.Count;
        var (entry, head) = (chain[index], Head(chain));
        var said = entry.Entry;
        var storable = AuditChain.Storable(other);
        chain[index] = field switch
        {
            0 => entry with { Entry = said with { At = storable.At } },
            1 => entry with { Entry = said with { Actor = storable.Actor } },
            2 => entry with { Entry = said with { Address = storable.Address } },
            3 => entry with { Entry = said with { Action = storable.Action } },
            4 => entry with { Entry = said with { Target = storable.Target } },
            5 => entry with { Entry = said with { Cluster = storable.Cluster } },
            6 => entry with { Entry = said with { Result = storable.Result } },
            7 => entry with { Entry = said with { Detail = storable.Detail } },
            8 => entry with { Sequence = entry.Sequence + bits },
            9 => entry with { Previous = Flip(entry.Previous, bits) },
            _ => entry with { Hash = Flip(entry.Hash, bits) },
        };
        Assert.Equal(chain[index] == entry ? null : index + 1, BrokenAt(chain, head));
    });

    [Fact]
    public void Two_entries_that_changed_places_are_found() => Gen.Select(Chains, Gen.Int[0, 7], Gen.Int[0, 7]).Sample((chain, one, other) =>
    {
        (one, other) = (one % chain.Count, other % chain.Count);
        var head = Head(chain);
        (chain[one], chain[other]) = (chain[other], chain[one]);
        Assert.Equal(one == other ? null : Math.Min(one, other) + 1, BrokenAt(chain, head));

        // And if they have taken the other's number and what is before it, too.
        (chain[one], chain[other]) = (chain[one] with { Sequence = one + 1, Previous = chain[other].Previous }, chain[other] with { Sequence = other + 1, Previous = chain[one].Previous });
        Assert.Equal(one == other, BrokenAt(chain, head) is null);
    });

    [Fact]
    public void An_entry_that_is_left_out_is_found() => Gen.Select(Chains, Gen.Int[0, 7]).Sample((chain, index) =>
    {
        index %= chain.Count;
        var head = Head(chain);
        chain.RemoveAt(index);
        Assert.Equal(index + 1, BrokenAt(chain, head));

        // Also if those after it move up.
        var moved = chain.Select((entry, place) => entry with { Sequence = place + 1 }).ToList();
        Assert.Equal(index + 1, BrokenAt(moved, head));
    });

    [Fact]
    public void An_entry_that_is_put_in_is_found() => Gen.Select(Chains, Entries, Gen.Int[0, 8]).Sample((chain, entry, index) =>
    {
        index %= chain.Count + 1;
        var head = Head(chain);

        // As good as it can be made without the key.
        var stranger = AuditChain.Append(new(new byte[32]), index is 0 ? null : new(index, chain[index - 1].Hash, []), [entry]).Chained[0];
        chain.Insert(index, stranger);
        Assert.Equal(index + 1, BrokenAt([.. chain.Select((one, place) => one with { Sequence = place + 1 })], head));
    });

    [Fact]
    public void What_is_cut_off_at_the_end_is_missed() => Gen.Select(Chains, Gen.Int[0, 7]).Sample((chain, left) =>
    {
        left %= chain.Count;
        var head = Head(chain);
        var cut = chain.Take(left).ToList();
        Assert.Equal(left + 1, BrokenAt(cut, head));

        // A head that fits can't be made without the key, and an older one does not fit.
        Assert.Equal(left + 1, BrokenAt(cut, new(left, left is 0 ? AuditChain.Genesis.ToArray() : cut[^1].Hash, head.Seal)));
        Assert.Equal(left + 1, BrokenAt(cut, null));
    });

    [Fact]
    public void An_older_log_with_its_own_head_is_whole_and_only_a_head_noted_elsewhere_tells() => Gen.Select(Chains, Entries).Sample((chain, other) =>
    {
        var noted = new NotedHead(chain.Count, chain[^1].Hash);
        var (older, head) = (chain.Take(chain.Count - 1).ToList(), Head(chain[..^1]));
        Assert.Null(BrokenAt(older, head));
        Assert.Equal(chain.Count, BrokenAt(older, head, noted));
        Assert.Null(BrokenAt(chain, Head(chain), noted));

        // Gone on from there with the key, as a server does that knows of nothing.
        var (next, end) = AuditChain.Append(Key, head, [other with { Detail = "after the rollback" }]);
        older.AddRange(next);
        Assert.Null(BrokenAt(older, end));
        Assert.Equal(chain.Count, BrokenAt(older, end, noted));
    });

    [Fact]
    public void A_chain_written_with_another_key_is_none() => Entries.List[1, 4].Sample(entries =>
    {
        var other = new AuditKey(new byte[32]);
        var (chained, head) = AuditChain.Append(other, null, entries);
        Assert.Equal(1, BrokenAt(chained, head));
        Assert.False(AuditChain.IsSealed(Key, head));
    });

    [Fact]
    public void No_two_entries_have_one_form() => Gen.Select(Entries, Entries).Sample((one, other) =>
    {
        (one, other) = (AuditChain.Storable(one), AuditChain.Storable(other));
        Assert.Equal(one == other, AuditChain.FormOf(1, one, AuditChain.Genesis).AsSpan().SequenceEqual(AuditChain.FormOf(1, other, AuditChain.Genesis)));
    });

    [Fact] // Whoever changes the form makes all that is stored unverifiable: a new one needs a new number, and the old one stays.
    public void The_form_is_what_it_was()
    {
        var entry = new AuditEntry(DateTimeOffset.FromUnixTimeMilliseconds(1), "person ä", "look", "all", "done", null) { Address = "::1", Cluster = ClusterId.Parse("c0123456789abcdef") };
        var (chained, head) = AuditChain.Append(new(new byte[32]), null, [entry]);
        Assert.Equal(
            "01" + "0000000000000001" + "0000000000000001" + new string('0', 64) + "0100000009" + Convert.ToHexString("person ä"u8) + "0100000003" + Convert.ToHexString("::1"u8) + "0100000004" + Convert.ToHexString("look"u8)
            + "0100000003" + Convert.ToHexString("all"u8) + "0100000011" + Convert.ToHexString("c0123456789abcdef"u8) + "0100000004" + Convert.ToHexString("done"u8) + "00",
            Convert.ToHexString(AuditChain.FormOf(1, entry, AuditChain.Genesis)));
        Assert.Equal(HMACSHA256.HashData(new byte[32], AuditChain.FormOf(1, entry, AuditChain.Genesis)), chained[0].Hash);
        Assert.Equal(HMACSHA256.HashData(new byte[32], Convert.FromHexString($"020000000000000001{Convert.ToHexString(chained[0].Hash)}")), head.Seal);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("12", false)]
    [InlineData("0:0000000000000000000000000000000000000000000000000000000000000000", false)]
    [InlineData("-1:0000000000000000000000000000000000000000000000000000000000000000", false)]
    [InlineData("1:00000000000000000000000000000000000000000000000000000000000000", false)] // too short
    [InlineData("1:000000000000000000000000000000000000000000000000000000000000000g", false)]
    [InlineData("1:00000000000000000000000000000000000000000000000000000000000000aB", true)]
    public void A_head_is_noted_as_number_and_hash(string text, bool isOne) => Assert.Equal(isOne, NotedHead.TryParse(text) is { Sequence: 1 });

    private static IReadOnlyList<ChainedEntry> Of(AuditKey key, IEnumerable<AuditEntry> entries) => AuditChain.Append(key, null, entries).Chained;

    // What a server would have sealed for these entries.
    private static AuditHead Head(List<ChainedEntry> chain) => AuditChain.Append(Key, new(chain.Count - 1, chain[^1].Previous, []), [chain[^1].Entry]).Head;

    private static byte[] Flip(byte[] bytes, int bit)
    {
        byte[] flipped = [.. bytes];
        flipped[bit / 8] ^= (byte)(1 << (bit % 8));
        return flipped;
    }

    private static int? BrokenAt(IReadOnlyList<ChainedEntry> chain, AuditHead? head, NotedHead? noted = null)
    {
        var check = new AuditCheck(Key, noted);
        foreach (var entry in chain)
        {
            if (check.Next(entry) is not null)
            {
                return (int)check.Last + 1;
            }
        }

        return check.End(head) is null ? null : (int)check.Last + 1;
    }

    private static string? Problem(IReadOnlyList<ChainedEntry> chain, AuditHead? head) => BrokenAt(chain, head) is { } at ? $"broken at {at}" : null;
}
