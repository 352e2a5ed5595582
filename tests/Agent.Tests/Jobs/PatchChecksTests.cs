using NannyOrleans.Agent.Jobs;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Ids;
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
}
