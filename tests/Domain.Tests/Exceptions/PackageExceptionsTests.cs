using NannyOrleans.Domain.Exceptions;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;
using static NannyOrleans.Domain.Tests.Some;

namespace NannyOrleans.Domain.Tests.Exceptions;

public sealed class PackageExceptionsTests
{
    private static readonly ExceptionTarget Guest = new(Cluster, new(100), null);
    private static readonly ExceptionTarget Host = new(Cluster, null, Pve1);

    [Theory]
    [InlineData("guest", null, true)]
    [InlineData("guest", 1, true)] // expires in a minute
    [InlineData("guest", 0, false)] // the end itself is outside
    [InlineData("guest", -1, false)]
    [InlineData("host", null, false)] // a host's brake is not its guests'
    [InlineData("other-guest", null, false)]
    [InlineData("same-vmid-elsewhere", null, false)] // a vmid is a guest only within its cluster
    public void Holds_for_the_named_target_until_it_expires(string target, int? minutes, bool holds)
    {
        var named = target switch
        {
            "guest" => Guest,
            "host" => Host,
            "other-guest" => Guest with { Vmid = new(101) },
            _ => Guest with { Cluster = ClusterId.Parse("cffffffffffffffff") },
        };
        var one = Exception(1, named) with { ExpiresAt = minutes is { } end ? Noon.AddMinutes(end) : null };
        Assert.Equal(holds, PackageExceptions.For([one], Guest, Noon).Count is 1);
    }

    [Fact]
    public void A_guest_is_meant_wherever_it_runs_and_a_node_by_its_name()
    {
        Assert.Equal(ExceptionTarget.Of(Cluster, new(100), Pve1), ExceptionTarget.Of(Cluster, new(100), Pve2));
        Assert.NotEqual(ExceptionTarget.Of(Cluster, null, Pve1), ExceptionTarget.Of(Cluster, null, Pve2));
    }

    [Fact]
    public void An_operation_leaves_alone_what_was_asked_for_and_what_is_excepted_each_once()
    {
        var entry = Entry(1, PatchMode.Apply);
        entry = entry with { Job = (PatchGuest)entry.Job with { Exclusions = ["nginx", "curl"] }, Operation = entry.Operation with { Exclusions = ["nginx", "curl"] } };
        var merged = PackageExceptions.Merge(entry, [Exception(1, Guest, "curl", "pve-*"), Exception(2, Guest, "mc") with { Reason = null }]).Value!;
        Assert.Equal(["nginx", "curl", "pve-*", "mc"], ((PatchGuest)merged.Job).Exclusions);
        Assert.Equal(["nginx", "curl", "pve-*", "mc"], merged.Operation.Exclusions);
        Assert.Equal([("curl pve-*", "until the window"), ("mc", null)], merged.Operation.Exceptions!.Select(one => (string.Join(' ', one.PackageNames), one.Reason)));
        Assert.Equal(entry.Job.Id, merged.Job.Id);
    }

    [Fact]
    public void Without_exceptions_an_operation_stays_as_it_is()
    {
        var entry = Entry(1);
        Assert.Same(entry, PackageExceptions.Merge(entry, []).Value);
        var other = entry with { Job = new RebootGuest(Id(1), 60, new(100)) };
        Assert.Same(other, PackageExceptions.Merge(other, [Exception(1, Guest, "mc")]).Value); // a restart upgrades nothing
    }

    [Theory]
    [InlineData(200, 56, false)]
    [InlineData(200, 57, true)] // cut off at the most, the 257th would be upgraded
    public void More_exclusions_than_a_job_may_have_are_refused_not_cut_off(int asked, int excepted, bool refused)
    {
        var entry = Entry(1);
        entry = entry with { Job = (PatchGuest)entry.Job with { Exclusions = [.. Enumerable.Range(0, asked).Select(i => $"a{i}")] } };
        var merged = PackageExceptions.Merge(entry, [Exception(1, Guest, [.. Enumerable.Range(0, excepted).Select(i => $"b{i}")])]);
        Assert.Equal(refused ? "too-many-exclusions" : null, merged.Refusal?.Code);
    }

    [Fact]
    public void Adding_again_and_removing_again_change_nothing()
    {
        var known = PackageExceptions.Add([], Exception(1, Guest, "mc"), Noon).Value!;
        Assert.Same(known, PackageExceptions.Add(known, Exception(1, Guest, "other"), Noon).Value);
        var none = PackageExceptions.Remove(known, known[0].Id);
        Assert.Empty(none);
        Assert.Same(none, PackageExceptions.Remove(none, known[0].Id));
    }

    [Fact]
    public void There_is_a_most_of_them_and_of_their_names()
    {
        ExceptionRecord[] full = [.. Enumerable.Range(0, PackageExceptions.MaxCount).Select(i => Exception(i, Guest, "mc"))];
        Assert.Equal("too-many-exceptions", PackageExceptions.Add(full, Exception(9999, Guest, "mc"), Noon).Refusal?.Code);

        // What expired long ago makes room.
        full[0] = full[0] with { ExpiresAt = Noon - PackageExceptions.ExpiredKept - TimeSpan.FromSeconds(1) };
        Assert.Equal(PackageExceptions.MaxCount, PackageExceptions.Add(full, Exception(9999, Guest, "mc"), Noon).Value!.Count);

        string[] many = [.. Enumerable.Range(0, 256).Select(i => $"p{i}")];
        ExceptionRecord[] wide = [.. Enumerable.Range(0, PackageExceptions.MaxNames / 256).Select(i => Exception(i, Guest, many))];
        Assert.Equal("too-many-exceptions", PackageExceptions.Add(wide, Exception(9999, Guest, many), Noon).Refusal?.Code);
        Assert.Equal("too-many-exceptions", PackageExceptions.Change([.. wide, Exception(9999, Guest, "mc")], Exception(9999, Guest).Id, new(many, null, null), Noon).Refusal?.Code);
    }

    [Theory]
    [InlineData(-29, true)]
    [InlineData(-30, true)]
    [InlineData(-31, false)]
    public void An_expired_one_is_shown_for_30_days(int days, bool kept) =>
        Assert.Equal(kept, PackageExceptions.Prune([Exception(1, Guest, "mc") with { ExpiresAt = Noon.AddDays(days) }], Noon).Count is 1);

    [Fact]
    public void A_change_leaves_what_it_does_not_name_and_takes_back_what_it_sets_to_null()
    {
        var known = new[] { Exception(1, Guest, "mc") with { ExpiresAt = Noon.AddDays(1) } };
        var renamed = PackageExceptions.Change(known, known[0].Id, new(["vim"], null, null), Noon).Value![0];
        Assert.Equal(("vim", "until the window", Noon.AddDays(1)), (renamed.PackageNames[0], renamed.Reason, renamed.ExpiresAt!.Value));
        var bare = PackageExceptions.Change(known, known[0].Id, new(null, new(null), new(null)), Noon).Value![0];
        Assert.Equal(("mc", null, null), (bare.PackageNames[0], bare.Reason, bare.ExpiresAt));
        Assert.Equal(PackageExceptions.Unknown, PackageExceptions.Change(known, Exception(2, Guest).Id, new(["vim"], null, null), Noon).Refusal?.Code);
    }

    private static ExceptionRecord Exception(int number, ExceptionTarget target, params string[] names) => new()
    {
        Id = ExceptionId.Parse($"01M83HW1FS84TGPXTCYJ{number:D6}"),
        Target = target,
        AgentId = "c0123456789abcdef-lxc-100",
        PackageNames = names,
        Reason = "until the window",
        CreatedBy = "admin",
        CreatedAt = Noon,
    };
}
