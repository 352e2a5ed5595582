using NannyOrleans.Agent.Jobs;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Tests.Jobs;

public sealed class PatchChecksTests
{
    private static readonly PatchGuest Good = RunningAgent.Job(new("apt-update.sh", new('a', 64)), exclusions: ["nginx", "linux-*"]);

    public static TheoryData<string, PatchGuest> Bad => new()
    {
        { "is not a vmid", Good with { Vmid = new Vmid(99) } },
        { "is not from 1 to 86400", Good with { TimeoutSeconds = 0 } },
        { "is not from 1 to 86400", Good with { TimeoutSeconds = 86401 } },
        { "neither dry-run nor apply", Good with { Mode = (PatchMode)7 } },
        { "there is no script", Good with { Script = null! } },
        { "is not a script's name", Good with { Script = Good.Script with { Name = "../credentials.json" } } },
        { "is not a script's name", Good with { Script = Good.Script with { Name = "" } } },
        { "is not a script's name", Good with { Script = Good.Script with { Name = ".hidden" } } },
        { "is not a script's name", Good with { Script = Good.Script with { Name = null! } } },
        { "is not 64 hex digits", Good with { Script = Good.Script with { Sha256 = new('A', 64) } } },
        { "is not 64 hex digits", Good with { Script = Good.Script with { Sha256 = new('a', 63) } } },
        { "is not 64 hex digits", Good with { Script = Good.Script with { Sha256 = "../../../../etc/passwd" } } },
        { "no list of exclusions", Good with { Exclusions = null! } },
        { "'--root=/' is not a package name", Good with { Exclusions = ["--root=/"] } },
        { "'a,b' is not a package name", Good with { Exclusions = ["a,b"] } },
        { "'$(id)' is not a package name", Good with { Exclusions = ["$(id)"] } },
        { "more than 256 exclusions", Good with { Exclusions = [.. Enumerable.Repeat("a", 257)] } },
    };

    [Fact]
    public void A_good_job_is_taken() => Assert.Null(PatchChecks.Refusal(Good));

    [Theory]
    [MemberData(nameof(Bad))]
    public void Anything_else_is_refused(string reason, PatchGuest job) => Assert.Contains(reason, PatchChecks.Refusal(job), StringComparison.Ordinal);

    [Theory]
    [InlineData("ostype: l26\n", null, null)]
    [InlineData("template: 1\nlock: backup\n", "VM is a template", null)]
    [InlineData("ostype: win11\n", "VM runs Windows (ostype win11), which is not patched from outside", null)]
    [InlineData("lock: backup\n", null, "VM is locked (backup)")]
    public void A_VM_is_judged_by_its_file(string conf, string? refusal, string? held) =>
        Assert.Equal((refusal, held), PatchChecks.OfVm(new(201), new(GuestType.Qemu, conf)));

    [Fact]
    public void Neither_a_container_nor_nothing_is_a_VM()
    {
        Assert.Equal(("VM 201 is not on this node", null), PatchChecks.OfVm(new(201), null));
        Assert.Equal(("VM 201 is not on this node", null), PatchChecks.OfVm(new(201), new(GuestType.Lxc, "")));
    }

    [Fact]
    public void A_VM_runs_the_script_from_its_file()
    {
        var job = new PatchVm(Good.Id, 60, new(201), PatchMode.DryRun, [], Good.Script);
        Assert.EndsWith("timeout -k 10 60 sh script --dry-run", string.Join(' ', PatchChecks.Command(job, isHost: true)), StringComparison.Ordinal);
        Assert.Contains("is not from 0 to 86400", PatchChecks.Refusal(job with { WaitSeconds = -1 }), StringComparison.Ordinal);
    }
}
