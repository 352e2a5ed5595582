using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;
using static NannyOrleans.Domain.Tests.Some;

namespace NannyOrleans.Domain.Tests.Guests;

public sealed class GuestTests
{
    [Theory]
    [InlineData("debian", "", "debian", PlatformFamily.Debian)]
    [InlineData("ubuntu", "debian", "ubuntu", PlatformFamily.Debian)]
    [InlineData("rocky", "rhel centos fedora", "centos", PlatformFamily.Rhel)]
    [InlineData("neon", "ubuntu debian", "unmanaged", PlatformFamily.Debian)] // unknown, but like a known one
    [InlineData("alpine", "", "debian", PlatformFamily.Alpine)] // converted in place: what is inside counts
    [InlineData("nixos", "", "nixos", PlatformFamily.Unknown)]
    [InlineData(null, "", "archlinux", PlatformFamily.Arch)] // not read yet: the hint has to do
    [InlineData(null, "", "unmanaged", PlatformFamily.Unknown)]
    [InlineData(null, "", null, PlatformFamily.Unknown)]
    public void The_family_is_what_os_release_says_before_what_the_configuration_says(string? id, string like, string? osType, PlatformFamily family) =>
        Assert.Equal(family, PlatformFamilies.Of(id is null ? null : new(id, like.Split(' ', StringSplitOptions.RemoveEmptyEntries), null, null), osType));

    [Fact]
    public void A_container_is_patched_by_its_nodes_agent_with_its_familys_script() =>
        Assert.Equal(new PatchRoute(Pve1, new(100), "web-01", PlatformFamily.Debian, "apt-update.sh"), GuestMachine.Route(Guest(Container())).Value);

    [Theory]
    [InlineData("never-seen", "unknown-guest")]
    [InlineData("vm", "requires-agent")]
    [InlineData("template", "template")]
    [InlineData("unmanaged", "unknown-family")]
    [InlineData("arch", "unsupported-family")]
    public void What_cannot_be_patched_says_why(string which, string code)
    {
        var guest = which switch
        {
            "never-seen" => new(),
            "vm" => Guest(Container() with { Type = GuestType.Qemu }),
            "template" => Guest(Container() with { Template = true }),
            "unmanaged" => Guest(Container() with { Os = null, OsType = "unmanaged" }),
            _ => Guest(Container() with { Os = new("arch", [], null, null) }),
        };
        Assert.Equal(code, GuestMachine.Route(guest).Refusal?.Code);
    }

    [Fact]
    public void A_guest_that_migrates_has_another_parent_and_is_the_same_guest()
    {
        var moved = GuestMachine.RecordSeen(Guest(Container()), Pve2, Container(), quorate: true, Noon.AddMinutes(1));
        Assert.Equal(Pve2, moved.Node);
        Assert.Equal(Pve2, GuestMachine.Route(moved).Value?.Node);
    }

    [Theory]
    [InlineData("""[{"name":"a","from":"1","to":"2","security":false,"origin":null}]""", 1)]
    [InlineData("[]", 0)]
    public void A_look_that_worked_says_how_many_updates_are_pending(string packages, int pending) =>
        Assert.Equal(pending, GuestMachine.RecordPatch(Guest(Container()), Ended(JobOutcome.Succeeded, Findings(packages: packages))).Patches?.Pending);

    [Fact]
    public void A_look_that_failed_is_not_zero_updates()
    {
        var patches = GuestMachine.RecordPatch(Guest(Container()), Ended(JobOutcome.Failed, "")).Patches;
        Assert.NotNull(patches);
        Assert.Null(patches.Pending);
        Assert.NotNull(patches.Failure);
    }

    [Theory]
    [InlineData(JobOutcome.Failed)]
    [InlineData(JobOutcome.Interrupted)]
    [InlineData(JobOutcome.Succeeded)] // of the other mode
    public void A_look_that_failed_with_a_document_is_not_zero_updates_either(JobOutcome outcome)
    {
        const string Error = """{"mode":"apply","error":{"code":"repository-unreachable","message":"deb.example did not answer."}}""";
        var patches = GuestMachine.RecordPatch(Guest(Container()), Ended(outcome, Error)).Patches;
        Assert.NotNull(patches);
        Assert.Equal((null, null), (patches.Pending, patches.RebootRequired));
        Assert.NotNull(patches.Failure);
    }

    [Fact]
    public void A_node_without_quorum_cannot_take_a_guest_from_another()
    {
        var guest = Guest(Container());
        Assert.Same(guest, GuestMachine.RecordSeen(guest, Pve2, Container(), quorate: false, Noon.AddMinutes(1)));
    }

    [Fact]
    public void Hearing_the_same_again_changes_nothing()
    {
        var guest = Guest(Container());
        Assert.Same(guest, GuestMachine.RecordSeen(guest, Pve1, Container(), quorate: true, Noon.AddMinutes(1)));
        Assert.NotSame(guest, GuestMachine.RecordSeen(guest, Pve1, Container(name: "renamed"), quorate: true, Noon.AddMinutes(1)));
        var other = Container() with { Os = new("debian", ["x"], "12", "Debian GNU/Linux 12 (bookworm)") };
        Assert.NotSame(guest, GuestMachine.RecordSeen(guest, Pve1, other, quorate: true, Noon.AddMinutes(1)));
    }

    [Fact]
    public void An_older_operation_that_comes_late_changes_nothing()
    {
        var known = GuestMachine.RecordPatch(Guest(Container()), Ended(JobOutcome.Succeeded, Findings()) with { Id = Id(2) });
        Assert.Same(known, GuestMachine.RecordPatch(known, Ended(JobOutcome.Failed, "") with { Id = Id(1) }));
    }

    private static GuestState Guest(GuestSeen seen) => GuestMachine.RecordSeen(new(), Pve1, seen, quorate: true, Noon);

    private static OperationRecord Ended(JobOutcome outcome, string output) =>
        OperationMachine.Report(Operation(), new(Id(1), outcome, null) { StandardOutput = output, CompletedAt = Noon }, Noon);
}
