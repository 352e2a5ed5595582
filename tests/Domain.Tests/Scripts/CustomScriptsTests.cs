using System.Text;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Scripts;
using NannyOrleans.Protocol.Jobs;
using static NannyOrleans.Domain.Tests.Some;

namespace NannyOrleans.Domain.Tests.Scripts;

public sealed class CustomScriptsTests
{
    private const string Start = "printf 'nanny-patch: started\\n' >&2\n";

    private static readonly CustomScript[] Known =
    [
        Of("debian.sh", PlatformFamily.Debian, null), Of("debian-12.sh", PlatformFamily.Debian, "12"), Of("rhel-9.sh", PlatformFamily.Rhel, "9"),
    ];

    [Theory]
    [InlineData(PlatformFamily.Debian, "12", "debian-12.sh")] // exactly this version
    [InlineData(PlatformFamily.Debian, "13", "debian.sh")] // another: the family's
    [InlineData(PlatformFamily.Debian, "12.1", "debian.sh")] // no guessing at what a version is a part of
    [InlineData(PlatformFamily.Debian, null, "debian.sh")] // not known
    [InlineData(PlatformFamily.Rhel, "9", "rhel-9.sh")]
    [InlineData(PlatformFamily.Rhel, "8", null)] // the catalogue's
    [InlineData(PlatformFamily.Rhel, null, null)] // never a version's script for an unknown version
    [InlineData(PlatformFamily.Suse, "12", null)] // another family's version is another's
    public void The_exact_version_wins_over_the_family_and_that_over_the_catalogue(PlatformFamily family, string? version, string? script)
    {
        Assert.Equal(script, CustomScripts.For(Known, family, null, version)?.Script.Name);
        Assert.Equal(script, CustomScripts.For([.. Known.Reverse()], family, "debian", version)?.Script.Name); // whichever came first
    }

    [Theory]
    [InlineData(PlatformFamily.Unknown, "gentoo", null, "gentoo.sh")]
    [InlineData(PlatformFamily.Unknown, "void", "1", "void-1.sh")]
    [InlineData(PlatformFamily.Unknown, "void", null, null)]
    [InlineData(PlatformFamily.Unknown, "funtoo", null, null)] // like gentoo, but nobody said so
    [InlineData(PlatformFamily.Unknown, null, null, null)] // nothing is known of it
    [InlineData(PlatformFamily.Debian, "gentoo", "13", "debian.sh")] // a person's word on the family stands above the files
    public void A_distribution_of_no_family_has_the_script_of_its_own_id_alone(PlatformFamily family, string? id, string? version, string? script)
    {
        CustomScript[] known = [.. Known, Of("gentoo.sh", PlatformFamily.Unknown, null) with { OsId = "gentoo" }, Of("void-1.sh", PlatformFamily.Unknown, "1") with { OsId = "void" }];
        Assert.Equal(script, CustomScripts.For(known, family, id, version)?.Script.Name);
        Assert.Contains("for gentoo already", CustomScripts.Add(known, Of("other.sh", PlatformFamily.Unknown, null) with { OsId = "gentoo" }).Refusal?.Message, StringComparison.Ordinal);
        Assert.Equal(6, CustomScripts.Add(known, Of("other.sh", PlatformFamily.Unknown, null) with { OsId = "void" }).Value!.Count);
    }

    [Theory]
    [InlineData(PlatformFamily.Debian, null, "os-unread")] // the family is in its configuration, the version is not
    [InlineData(PlatformFamily.Debian, "debian", null)]
    [InlineData(PlatformFamily.Arch, null, null)] // no script is for a version of it
    public void Where_the_version_decides_and_was_not_read_no_script_is_taken(PlatformFamily family, string? id, string? refusal) =>
        Assert.Equal(refusal, CustomScripts.Unclear(Known, family, id, "web")?.Code);

    [Fact]
    public void A_name_or_a_target_has_one_script()
    {
        Assert.Equal("script-exists", CustomScripts.Add(Known, Of("debian.sh", PlatformFamily.Arch, null)).Refusal?.Code);
        Assert.Equal("script-exists", CustomScripts.Add(Known, Of("other.sh", PlatformFamily.Debian, "12")).Refusal?.Code);
        Assert.Same(Known, CustomScripts.Add(Known, Known[0]).Value); // the same again
        Assert.Equal(4, CustomScripts.Add(Known, Of("other.sh", PlatformFamily.Debian, "13")).Value!.Count);
        CustomScript[] full = [.. Enumerable.Range(0, CustomScripts.MaxCount).Select(i => Of($"s{i}.sh", PlatformFamily.Debian, $"{i}"))];
        Assert.Equal("too-many-scripts", CustomScripts.Add(full, Of("more.sh", PlatformFamily.Arch, null)).Refusal?.Code);
        Assert.Same(Known, CustomScripts.Remove(Known, "nothing.sh"));
        Assert.Equal(2, CustomScripts.Remove(Known, "debian.sh").Count);
    }

    [Theory]
    [InlineData(Start, true)]
    [InlineData("#!/bin/sh\n# what it is\n\nprintf 'nanny-patch: started\\n' >&2\nset -eu\n", true)]
    [InlineData("main() {\n    printf 'nanny-patch: started\\n' >&2\n}\nmain \"$@\"\n", true)] // as the catalogue's do
    [InlineData("echo nanny-patch: started >&2\n", true)]
    [InlineData("", false)]
    [InlineData("apt-get update\n" + Start, false)] // something ran before it is said to have started
    [InlineData("printf 'nanny-patch: started\\n'\n", false)] // standard output is for the document
    [InlineData("# printf 'nanny-patch: started\\n' >&2\n", false)]
    [InlineData("echo $(reboot) nanny-patch: started >&2\n", false)]
    [InlineData("main() {\nsleep 1\nprintf 'nanny-patch: started\\n' >&2\n}\n", false)]
    [InlineData(Start + "a\r\n", false)]
    [InlineData(Start + "\0", false)]
    [InlineData("\uFEFF" + Start, false)]
    public void A_script_is_text_that_says_first_that_it_has_started(string text, bool good) =>
        Assert.Equal(good, ScriptText.Problem(Encoding.UTF8.GetBytes(text)) is null);

    [Fact]
    public void A_script_has_a_size_and_is_UTF8()
    {
        Assert.Null(ScriptText.Problem(Encoding.UTF8.GetBytes(Start.PadRight(ScriptText.MaxBytes, '#'))));
        Assert.NotNull(ScriptText.Problem(Encoding.UTF8.GetBytes(Start.PadRight(ScriptText.MaxBytes + 1, '#'))));
        Assert.NotNull(ScriptText.Problem([.. Encoding.UTF8.GetBytes(Start), 0xC3, 0x28]));
    }

    private static CustomScript Of(string name, PlatformFamily family, string? version) => new(new ScriptReference(name, new('a', 64)), family, version, 10, "admin", Noon);
}
