using CsCheck;
using NannyOrleans.Domain.Operations;
using static NannyOrleans.Domain.Tests.Some;

namespace NannyOrleans.Domain.Tests.Operations;

public sealed class PatchFindingsTests
{
    [Fact]
    public void Reads_packages_with_their_versions()
    {
        var found = PatchFindings.Read(Findings(packages: """[{"name":"nginx","from":"1.18.0","to":"1.24.0","security":true,"origin":"Debian"},{"name":"new","from":null,"to":"1","security":false,"origin":null}]"""))!;
        Assert.Equal(["nginx (1.18.0 → 1.24.0)", "new (new 1)"], found.Packages.Select(package => package.ToString()));
    }

    [Theory]
    [InlineData("")] // nothing
    [InlineData("Reading package lists...")] // not JSON
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")] // no mode
    [InlineData("""{"mode":"dry-run"}""")] // no list of packages: not "none"
    [InlineData("""{"mode":"dry-run","packages":null,"kept_back":[],"held":[],"removed":[],"failed":[],"reboot_required":false}""")]
    [InlineData("""{"mode":"dry-run","packages":[null],"kept_back":[],"held":[],"removed":[],"failed":[],"reboot_required":false}""")]
    [InlineData("""{"mode":"dry-run","packages":[{"name":"x"}],"kept_back":[],"held":[],"removed":[],"failed":[],"reboot_required":false}""")] // no version
    [InlineData("""{"mode":"other","packages":[],"kept_back":[],"held":[],"removed":[],"failed":[],"reboot_required":false}""")]
    [InlineData("""{"mode":"dry-run","packages":[],"kept_back":[],"held":[],"removed":[],"failed":[],"reboot_required":false}{"mode":"apply"}""")] // two documents
    public void Anything_but_one_whole_document_is_unreadable(string output) => Assert.Null(PatchFindings.Read(output));

    [Fact]
    public void Never_throws_whatever_a_guest_prints() => Gen.String.Sample(text => { PatchFindings.Read(text); });

    [Fact]
    public void Never_throws_on_a_damaged_document()
    {
        var whole = Findings(packages: """[{"name":"nginx","from":"1","to":"2","security":true,"origin":"Debian"}]""");
        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Char).Sample((at, c) => { PatchFindings.Read(whole[..at] + c + whole[(at + 1)..]); });
    }

    [Fact]
    public void Whether_a_restart_is_wanted_may_be_unknown_and_nothing_else_is_by_that() =>
        Assert.Null(PatchFindings.Read("""{"mode":"apply","packages":[],"kept_back":[],"held":[],"removed":[],"failed":[],"reboot_required":null}""")!.RebootRequired);
}
