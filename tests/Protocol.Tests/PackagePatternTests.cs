using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Protocol.Tests;

public sealed class PackagePatternTests
{
    [Theory]
    [InlineData("nginx", true)]
    [InlineData("libstdc++6", true)]
    [InlineData("pve-kernel-*", true)]
    [InlineData("*", true)]
    [InlineData("foo:i386", true)]
    [InlineData("Judy-devel", true)] // rpm
    [InlineData("-o", false)] // an option
    [InlineData("--exclude=x", false)]
    [InlineData("a b", false)]
    [InlineData("a,b", false)] // the separator of the script's argument
    [InlineData("a;reboot", false)]
    [InlineData("$(reboot)", false)]
    [InlineData("`x`", false)]
    [InlineData("a\nb", false)]
    [InlineData("näh", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void Only_names_and_globs_pass(string? text, bool valid) => Assert.Equal(valid, PackagePattern.IsValid(text));

    [Fact]
    public void Length_is_bounded()
    {
        Assert.True(PackagePattern.IsValid(new string('a', PackagePattern.MaxLength)));
        Assert.False(PackagePattern.IsValid(new string('a', PackagePattern.MaxLength + 1)));
    }
}
