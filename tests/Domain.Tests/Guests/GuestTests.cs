using NannyOrleans.Domain.Clusters;
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
        Assert.Equal(new PatchRoute(Pve1, new(100), "web-01", PlatformFamily.Debian, "apt-update.sh") { OsId = "debian", OsVersion = "12" }, Route(Container()).Value);

    [Fact] // whether an administrator has added a script for it is asked later
    public void A_container_of_a_distribution_of_no_family_goes_on_under_its_own_id() =>
        Assert.Equal((PlatformFamily.Unknown, null, "gentoo"), Route(Container() with { OsType = "gentoo", Os = new("gentoo", [], null, "Gentoo") }).Value is { } route ? (route.Family, route.Script, route.OsId) : default);

    [Theory]
    [InlineData("vm", "requires-agent")]
    [InlineData("template", "template")]
    [InlineData("unmanaged", "unknown-family")]
    [InlineData("deleted", "deleted")]
    public void What_cannot_be_patched_says_why(string which, string code)
    {
        var outcome = which switch
        {
            "vm" => Route(Container() with { Type = GuestType.Qemu }),
            "template" => Route(Container() with { Template = true }),
            "unmanaged" => Route(Container() with { Os = null, OsType = "unmanaged" }),
            "deleted" => Route(View(Lab((Pve1, Taken(Pve1, Inventory(Container()).Placing((Pve1, 100)), Inventory().Placing()))))),
            _ => throw new ArgumentOutOfRangeException(nameof(which)),
        };
        Assert.Equal(code, outcome.Refusal?.Code);
    }

    [Fact]
    public void A_VM_that_is_not_patched_from_outside_says_what_would_allow_it_and_what_speaks_against_it()
    {
        var why = Route(Container() with { Type = GuestType.Qemu }).Refusal!.Message;
        Assert.Contains("unless that is allowed for it (agentless_vm)", why, StringComparison.Ordinal);
        Assert.EndsWith(GuestMachine.AgentlessVmWarning, why, StringComparison.Ordinal);
    }

    [Fact]
    public void A_guest_that_migrates_has_another_parent_and_is_the_same_guest()
    {
        var moved = View(Lab((Pve1, Taken(Pve1, Inventory(Container()))), (Pve2, Taken(Pve2, Noon.AddSeconds(1), Inventory(Container())))));
        Assert.Empty(moved.Nodes[0].Guests!);
        Assert.Equal(Pve2, Route(moved).Value?.Node);
    }

    [Fact]
    public void A_persons_word_on_the_family_stands_above_the_files()
    {
        var said = Lab((Pve1, Taken(Pve1, Inventory(Container() with { Os = new("arch", [], null, null) })))).Annotate(new(100), new(new(PlatformFamily.Debian), null, null, null)).Value!;
        Assert.Equal("apt-update.sh", Route(View(said)).Value?.Script);
    }

    [Theory]
    [InlineData("""[{"name":"a","from":"1","to":"2","security":false,"origin":null}]""", 1)]
    [InlineData("[]", 0)]
    public void A_look_that_worked_says_how_many_updates_are_pending(string packages, int pending) =>
        Assert.Equal(pending, GuestMachine.RecordPatch(new(), Ended(JobOutcome.Succeeded, Findings(packages: packages))).Patches?.Pending);

    [Fact]
    public void A_look_that_failed_is_not_zero_updates()
    {
        var patches = GuestMachine.RecordPatch(new(), Ended(JobOutcome.Failed, "")).Patches;
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
        var patches = GuestMachine.RecordPatch(new(), Ended(outcome, Error)).Patches;
        Assert.NotNull(patches);
        Assert.Equal((null, null), (patches.Pending, patches.RebootRequired));
        Assert.NotNull(patches.Failure);
    }

    [Fact]
    public void An_older_operation_that_comes_late_changes_nothing()
    {
        var known = GuestMachine.RecordPatch(new(), Ended(JobOutcome.Succeeded, Findings()) with { Id = Id(2) });
        Assert.Same(known, GuestMachine.RecordPatch(known, Ended(JobOutcome.Failed, "") with { Id = Id(1) }));
    }

    private static Outcome<PatchRoute> Route(GuestSeen seen) => Route(View(Lab((Pve1, Taken(Pve1, Inventory(seen))))));

    private static Outcome<PatchRoute> Route(ClusterView cluster)
    {
        var node = Assert.Single(cluster.Nodes, node => node.Guests is { Count: > 0 });
        return GuestMachine.Route(node.Name, Assert.Single(node.Guests!));
    }

    private static OperationRecord Ended(JobOutcome outcome, string output) =>
        OperationMachine.Report(Operation(), new(Id(1), outcome, null) { StandardOutput = output, CompletedAt = Noon }, Noon);

    [Fact]
    public void After_a_restart_nobody_knows_whether_another_is_needed_and_a_later_look_does()
    {
        var needed = new GuestState { Patches = new(Id(1), Noon, 3, true, null) };
        var restart = Operation() with { Id = Id(2), Kind = OperationKind.Reboot, Mode = null, Status = OperationStatus.Succeeded, StartedAt = Noon, CompletedAt = Noon };
        var restarted = GuestMachine.RecordPatch(needed, restart);
        Assert.Equal(needed.Patches with { RebootRequired = null, RestartedBy = Id(2) }, restarted.Patches);
        Assert.True(restarted.Patches!.IsNewerThan(needed.Patches));
        Assert.False(needed.Patches.IsNewerThan(restarted.Patches)); // the word before, late
        Assert.Same(restarted, GuestMachine.RecordPatch(restarted, restart));

        Assert.Same(needed, GuestMachine.RecordPatch(needed, restart with { StartedAt = null })); // refused: nothing was restarted
        Assert.Null(GuestMachine.RecordPatch(needed, restart with { Status = OperationStatus.Failed }).Patches!.RebootRequired); // it may have been
        Assert.Same(needed, GuestMachine.RecordPatch(needed, restart with { Id = Id(0) })); // before the look
        var fine = new GuestState { Patches = needed.Patches with { RebootRequired = false } };
        Assert.Same(fine, GuestMachine.RecordPatch(fine, restart));
        Assert.True(new PatchState(Id(3), Noon, 0, false, null).IsNewerThan(restarted.Patches));
    }
}
