using NannyOrleans.Api.Audit;
using NannyOrleans.Grains.History;

namespace NannyOrleans.Api.Tests.Audit;

public sealed class RefusalCountsTests
{
    private readonly RefusalCounts counts = new();

    [Fact]
    public void The_first_of_each_kind_is_an_entry_and_the_others_are_a_number()
    {
        var (bob, elsewhere) = (SignIn("person bob"), SignIn("person bob") with { Address = "192.0.2.8" });
        Assert.Equal([true, false, true, false, false], new[] { bob, bob, elsewhere, bob, elsewhere }.Select(counts.IsFirst));
        Assert.Equal([(bob, 2), (elsewhere, 1)], counts.Take());

        // Another minute, and nothing more to say of the one before.
        Assert.Empty(counts.Take());
        Assert.True(counts.IsFirst(bob));
        Assert.Empty(counts.Take());
    }

    [Fact]
    public void Ten_thousand_from_everywhere_are_few_entries_and_none_is_lost()
    {
        var first = Enumerable.Range(0, 10_000).Count(number => counts.IsFirst(SignIn($"person {number % 700}") with { Address = $"2001:db8::{number:x}" }));
        var taken = counts.Take();
        Assert.Equal(RefusalCounts.MaxKinds, first);
        Assert.Equal((new Refused(AuditEntry.Nobody, "sign-in", RefusalCounts.Others, null, "invalid-grant"), 10_000 - first), Assert.Single(taken));
    }

    private static Refused SignIn(string account) => new(AuditEntry.Nobody, "sign-in", account, "192.0.2.7", "invalid-grant");
}
