using NannyOrleans.Domain.Operations;
using NannyOrleans.Protocol.Jobs;
using static NannyOrleans.Domain.Tests.Some;

namespace NannyOrleans.Domain.Tests.Operations;

public sealed class PlanTests
{
    private static readonly OperationRecord Run = OperationMachine.Report(
        Operation(),
        new(Id(1), JobOutcome.Succeeded, null) { StandardOutput = Findings(packages: """[{"name":"nginx","from":"1","to":"2","security":false,"origin":null}]""") },
        Noon) is { Findings: { } listed } run ? run with { Findings = listed with { Removed = ["libold"] } } : throw new InvalidOperationException();

    [Fact]
    public void A_dry_run_that_succeeded_is_a_plan_by_what_it_listed()
    {
        var plan = PinnedPlan.Of(Run.Id, Run, Run.Target).Value!;
        Assert.Equal((Run.Id, PlanFingerprint.Of([("nginx", "2")], ["libold"])), (plan.Operation, plan.Fingerprint));
    }

    public static TheoryData<string, string> Refused => new()
    {
        { "none", "plan-not-found" },
        { "apply", "plan-not-a-dry-run" },
        { "reboot", "plan-not-a-dry-run" },
        { "another target", "plan-of-another-target" },
        { "pending", "plan-not-ended" },
        { "failed", "plan-failed" },
        { "cancelled", "plan-failed" },
        { "without findings", "plan-failed" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void Anything_else_is_none(string which, string code)
    {
        var run = which switch
        {
            "none" => null,
            "apply" => Run with { Mode = PatchMode.Apply },
            "reboot" => Run with { Kind = OperationKind.Reboot, Mode = null },
            "another target" => Run with { Vmid = new(101) },
            "pending" => Operation(),
            "failed" => Run with { Status = OperationStatus.Failed },
            "cancelled" => Run with { Status = OperationStatus.Cancelled },
            _ => Run with { Findings = null },
        };
        Assert.Equal(code, PinnedPlan.Of(Id(1), run, Run.Target).Refusal?.Code);
    }

    [Fact]
    public void The_difference_says_what_came_what_went_and_what_is_another_version()
    {
        var difference = PlanDifference.Of(
            Listing([Package("nginx", "2"), Package("gone", "1"), Package("same", "1"), Package("kernel", "6.1"), Package("kernel", "6.2")]),
            Listing([Package("same", "1"), Package("nginx", "3"), Package("new", "1"), Package("kernel", "6.2"), Package("kernel", "6.1")]));
        Assert.Equal(["new"], difference.Added.Select(package => package.Name));
        Assert.Equal(["gone"], difference.Removed.Select(package => package.Name));
        Assert.Equal([new("nginx", "2", "3")], difference.Changed);
        Assert.Empty(difference.RemovalsAdded.Concat(difference.RemovalsDropped));
    }

    [Theory]
    [InlineData("", "libold", "libold", "")] // it was needed when the plan was approved
    [InlineData("libold", "", "", "libold")] // it is needed again
    [InlineData("a libold", "libold z b", "b z", "a")]
    [InlineData("libold", "libold", "", "")]
    public void The_difference_says_what_would_go_now_and_what_would_stay(string planned, string now, string added, string dropped)
    {
        var difference = PlanDifference.Of(Listing([], planned.Split(' ', StringSplitOptions.RemoveEmptyEntries)), Listing([], now.Split(' ', StringSplitOptions.RemoveEmptyEntries)));
        Assert.Equal((added, dropped), (string.Join(' ', difference.RemovalsAdded), string.Join(' ', difference.RemovalsDropped)));
        Assert.Empty(difference.Added.Concat(difference.Removed));
    }

    private static PatchFindings Listing(PackageChange[] packages, params string[] removed) => Run.Findings! with { Packages = packages, Removed = removed };

    private static PackageChange Package(string name, string to) => new(name, null, to, false, null);
}
