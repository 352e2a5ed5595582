using CsCheck;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Agent.Tests.Support;

namespace NannyOrleans.Agent.Tests.Proxmox;

public sealed class OsReleaseFileTests
{
    [Theory]
    [InlineData("os-release.debian", "debian", "", "12", "Debian GNU/Linux 12 (bookworm)")]
    [InlineData("os-release.rocky", "rocky", "rhel centos fedora", "9.4", "Rocky Linux 9.4 (Blue Onyx)")]
    [InlineData("os-release.arch", "arch", "", null, "Arch Linux")]
    public void Reads_real_files(string file, string id, string idLike, string? version, string pretty)
    {
        var os = OsReleaseFile.Parse(Fixture.Read(file))!;
        Assert.Equal((id, idLike, version, pretty), (os.Id, string.Join(' ', os.IdLike), os.VersionId, os.PrettyName));
    }

    [Theory]
    [InlineData("ID=debian\n", "debian")]
    [InlineData("ID='debian'\n", "debian")]
    [InlineData("ID=\"a\\\"b\\$c\\\\d\\`e\"\n", "a\"b$c\\d`e")] // escapes in double quotes
    [InlineData("ID=\"a\\nb\"\n", "a\\nb")] // no escape, so the backslash stays
    [InlineData("ID='a\\b'\n", "a\\b")] // none in single quotes
    [InlineData("ID=a\\ b\n", "a b")]
    [InlineData("# ID=no\n  ID=yes  \n", "yes")]
    [InlineData("ID=one\nID=two\n", "two")] // the last one holds, as in a shell
    [InlineData("ID=\"open\nNAME=x\n", "linux")] // a line that is no assignment is no ID
    [InlineData("ID=debian # comment\nNAME=x\n", "linux")]
    [InlineData("NAME=x\n", "linux")]
    [InlineData("NAME=x\nID=\n", "linux")]
    [InlineData("ID=\"red\u001b[31m\"\n", "red\uFFFD[31m")]
    public void Reads_values_as_a_shell_does(string text, string id) => Assert.Equal(id, OsReleaseFile.Parse(text)?.Id);

    [Theory]
    [InlineData("")]
    [InlineData("Welcome to Alpine!\n")]
    [InlineData("ID debian\n")]
    public void Another_file_is_not_guessed_from(string text) => Assert.Null(OsReleaseFile.Parse(text));

    [Fact]
    public void Reads_back_every_quoted_value() => Gen.String[Gen.Char[' ', '~']].Sample(value =>
    {
        var quoted = string.Concat(value.Select(c => c is '"' or '\\' or '$' or '`' ? $"\\{c}" : c.ToString()));
        return value.Length > 400 || OsReleaseFile.Parse($"NAME=\"{quoted}\"\nPRETTY_NAME=\"{quoted}\"\n")!.PrettyName == (value.Length is 0 ? null : value);
    });
}
