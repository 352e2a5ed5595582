using NannyOrleans.Scripts.Tests;
using NannyOrleans.Tests.Support;

[assembly: AssemblyFixture(typeof(FamilyLab))]

namespace NannyOrleans.Scripts.Tests;

/// <summary>A lab with a real container of each family beside Debian's, whose own package manager has the lab's packages, each with a newer version.</summary>
public sealed class FamilyLab : IAsyncLifetime
{
    private static readonly string Lab = BuiltProgram.Of("Lab");
    private static readonly string[] Families = ["dnf", "zypper", "pacman"];
    private readonly string directory = Path.Combine(Path.GetTempPath(), $"nanny-families-{Guid.NewGuid():n}"[..24]);
    private bool isUp;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>A container of a family, as new: all four packages are pending. Skips where there can be none, which is a failure in CI.</summary>
    internal async Task<FamilyContainer> Container(string family)
    {
        if (!Environment.IsPrivilegedProcess || !File.Exists("/usr/bin/lxc-start"))
        {
            const string reason = "Real package managers run in LXC containers, which need root and the Debian package lxc.";
            Assert.SkipWhen(Environment.GetEnvironmentVariable("CI") is null or "", reason);
            Assert.Fail(reason);
        }

        if (!isUp)
        {
            await Command.Succeed(Lab, [
                "up", "--hosts", "1", "--containers", "0", "--dir", directory, .. Families.SelectMany(one => (string[])["--family", one])]);
            isUp = true;
        }
        else
        {
            await Command.Succeed(Lab, "reset", "--dir", directory);
        }

        return new(family, $"{directory}/hosts/pve1/usr/sbin/pct", 300 + Array.IndexOf(Families, family));
    }

    public async ValueTask DisposeAsync()
    {
        if (isUp)
        {
            await Command.Succeed(Lab, "down", "--dir", directory);
        }
    }
}

/// <summary>One container of the lab.</summary>
internal sealed class FamilyContainer(string family, string pct, int vmid)
{
    private static readonly string[] Clean = ["env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8"];

    /// <summary>Runs the family's script as the agent does, in one <c>pct exec</c>.</summary>
    public async Task<PatchRun> Patch(params string[] arguments)
    {
        await using var running = StartPatch(arguments);
        return PatchRun.Of(await running.End(), family);
    }

    /// <summary>The same, without waiting for its end.</summary>
    public Command StartPatch(params string[] arguments) => Command.Start(
        pct, ["exec", $"{vmid}", "--", .. Clean, "NANNY_LOCK_TIMEOUT=60", "timeout", "-k", "10", "300", "sh", "-s", "--", .. arguments], CatalogueScript.Of(family));

    /// <summary>Runs a command in it; gives what it wrote.</summary>
    public Task<string> Run(string command) => Command.Succeed(pct, "exec", $"{vmid}", "--", "sh", "-c", command);

    /// <summary>The versions of the lab's packages that its own database has.</summary>
    public async Task<string[]> Versions() => [.. (await Run(family is "pacman" ? "pacman -Q" : "rpm -qa --qf '%{NAME} %{VERSION}-%{RELEASE}\\n'"))
        .Split('\n').Where(line => line.StartsWith("lab-", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
}
