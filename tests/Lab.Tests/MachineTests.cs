using NannyOrleans.Lab.Base;
using NannyOrleans.Lab.Linux;

namespace NannyOrleans.Lab.Tests;

public sealed class MachineTests
{
    [Theory]
    [InlineData("a.list", "# deb http://no.invalid/debian bookworm main\ndeb [arch=amd64 signed-by=/k] http://m.invalid/debian/ bookworm main contrib # x\n")]
    [InlineData("a.sources", "Types: deb deb-src\nURIs: http://m.invalid/debian/\nSuites: bookworm bookworm-updates\nComponents: main\n")]
    [InlineData("a.sources", "# a comment\nTypes: deb\nEnabled: no\nURIs: http://no.invalid/debian\nSuites: bookworm\nComponents: main\n\nTypes: deb\nURIs: http://m.invalid/debian\nSuites:\n bookworm\n trixie\nComponents: main\n")]
    public void Finds_this_machines_mirror_in_either_form(string name, string content) =>
        Assert.Equal("http://m.invalid/debian", AptMirror.Find([(name, content)], "bookworm"));

    [Theory]
    [InlineData("deb http://m.invalid/debian bookworm-security main")] // another suite
    [InlineData("deb http://m.invalid/debian bookworm contrib")]
    [InlineData("deb-src http://m.invalid/debian bookworm main")]
    public void Takes_no_source_that_cannot_bootstrap(string line) => Assert.Null(AptMirror.Find([("a.list", line)], "bookworm"));

    [Fact]
    public void Finds_mounts_below_a_directory_the_deepest_first()
    {
        string[] mountinfo =
        [
            "22 1 8:1 / / rw - ext4 /dev/vda rw",
            "40 22 0:50 / /tmp/lab/hosts/a\\040b rw - fuse nanny-lab rw",
            "41 40 0:51 / /tmp/lab/hosts/a\\040b/deep rw - tmpfs t rw",
            "42 22 0:52 / /tmp/laboratory rw - tmpfs t rw",
        ];
        Assert.Equal(["/tmp/lab/hosts/a b/deep", "/tmp/lab/hosts/a b"], Mounts.Under("/tmp/lab", mountinfo));
    }
}
