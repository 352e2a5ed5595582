using System.Diagnostics;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Protocol.Tests;

public sealed class PlanFingerprintTests
{
    [Fact]
    public void Is_what_a_script_computes_with_sort_and_sha256sum()
    {
        // Upper case before lower case, '+' before '-', bytes above 127 last: where orders of a locale differ from that of bytes.
        (string, string)[] plan = [("libstdc++6", "1:2"), ("lib", "3"), ("Zope", "1"), ("libstdc-6", "0"), ("na\u00efve", "\u00e9"), ("lib", "3"), ("lib", "10")];
        Assert.Equal(ByShell(plan), PlanFingerprint.Of(plan, []));
        Assert.Equal(ByShell([.. plan, ("libold", "-"), ("Lib", "-")]), PlanFingerprint.Of(plan, ["libold", "Lib"]));
        Assert.Equal(ByShell([]), PlanFingerprint.Of([], []));
    }

    [Fact]
    public void Does_not_depend_on_the_order_and_does_on_every_version_and_removal()
    {
        var one = PlanFingerprint.Of([("a", "1"), ("b", "2")], ["c", "d"]);
        Assert.Equal(one, PlanFingerprint.Of([("b", "2"), ("a", "1")], ["d", "c"]));
        Assert.NotEqual(one, PlanFingerprint.Of([("a", "1"), ("b", "3")], ["c", "d"]));
        Assert.NotEqual(one, PlanFingerprint.Of([("a", "1")], ["c", "d"]));
        Assert.NotEqual(one, PlanFingerprint.Of([("a", "1"), ("b", "2")], ["c"]));
    }

    private static string ByShell(IEnumerable<(string Name, string To)> plan)
    {
        var start = new ProcessStartInfo("sh", ["-c", "LC_ALL=C sort -u | sha256sum | cut -d ' ' -f 1"]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        using var shell = Process.Start(start)!;
        foreach (var (name, to) in plan)
        {
            shell.StandardInput.Write($"{name}\t{to}\n");
        }

        shell.StandardInput.Close();
        return shell.StandardOutput.ReadToEnd().Trim();
    }
}
