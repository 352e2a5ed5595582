using System.Runtime.InteropServices;

namespace NannyOrleans.Scripts.Tests;

/// <summary>
/// A small Debian root file system, made once per machine with debootstrap and never changed afterwards: each test
/// works on an overlay over it. Its release is this machine's own, or the one in <c>NANNY_TEST_SUITE</c>.
/// </summary>
internal static class DebianBase
{
    private const string Cache = "/var/cache/nanny-tests";
    private static readonly Lazy<Task<string>> Made = new(Make);

    /// <summary>Its release, such as <c>bookworm</c>.</summary>
    public static string Suite { get; } = Environment.GetEnvironmentVariable("NANNY_TEST_SUITE") ?? OsRelease("VERSION_CODENAME");

    /// <summary>Its directory. Skips the test where this cannot be done, or fails it in CI, where nothing may be skipped.</summary>
    public static Task<string> Path()
    {
        if (!Environment.IsPrivilegedProcess || !OperatingSystem.IsLinux() || !File.Exists("/usr/sbin/debootstrap"))
        {
            const string reason = "Real apt runs in a Debian root file system, which needs root on Linux and debootstrap.";
            Assert.SkipWhen(Environment.GetEnvironmentVariable("CI") is null or "", reason);
            Assert.Fail(reason);
        }

        return Made.Value;
    }

    private static async Task<string> Make()
    {
        var path = $"{Cache}/{Suite}-{RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}";
        if (Directory.Exists(path)) { return path; }

        // Built beside its place and renamed: a base that exists is whole, whoever else builds one at the same time.
        Directory.CreateDirectory(Cache);
        var building = $"{path}.{Guid.NewGuid():n}";
        await Command.Succeed("debootstrap", "--variant=minbase", Suite, building, await Mirror());
        await Command.Succeed("sh", "-c", "rm -rf \"$1\"/var/cache/apt/archives/*.deb \"$1\"/var/lib/apt/lists/* \"$1\"/etc/apt/sources.list*", "sh", building);
        try
        {
            Directory.Move(building, path);
        }
        catch (IOException) when (Directory.Exists(path))
        {
            Directory.Delete(building, recursive: true);
        }

        return path;
    }

    /// <summary>The mirror that this machine's own packages come from.</summary>
    public static async Task<string> Mirror()
    {
        // Which origin a repository has is known only once its lists were fetched; its address always is.
        foreach (var filter in (string[])["Origin: Debian", "Created-By: Packages"])
        {
            var addresses = await Command.Succeed("apt-get", "indextargets", "--format", "$(REPO_URI)", filter);
            if (addresses.Split('\n').FirstOrDefault(a => a.Contains("/debian", StringComparison.Ordinal) && !a.Contains("security", StringComparison.Ordinal)) is { } mirror)
            {
                return mirror;
            }
        }

        throw new InvalidOperationException("This machine's apt has no Debian repository to take a base system from.");
    }

    private static string OsRelease(string key) =>
        File.ReadLines("/etc/os-release").Single(line => line.StartsWith($"{key}=", StringComparison.Ordinal))[(key.Length + 1)..].Trim('"');
}
