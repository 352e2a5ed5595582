using CliWrap;
using CliWrap.Buffered;
using NannyOrleans.Lab.Linux;

namespace NannyOrleans.Lab.Base;

/// <summary>The root file system under all containers of all labs on this machine: made once, kept in a cache, never changed.</summary>
internal sealed class BaseRootfs(string cache, string? mirror, Action<string> say)
{
    /// <summary>Counts up with each change to the recipe, so that an old base is not taken for a new one.</summary>
    private const string Recipe = "bookworm-1";

    private const string Suite = "bookworm";

    /// <summary>Where the finished base is; made first when it is not there.</summary>
    public async Task<string> Ready(CancellationToken cancellationToken)
    {
        var finished = $"{cache}/base-{Recipe}";
        if (Directory.Exists(finished)) { return finished; }
        Directory.CreateDirectory(cache);
        using var held = LockFile.Take($"{cache}/lock", TimeSpan.FromMinutes(15), () => say("waiting for another nanny-lab that builds the base"))
            ?? throw new LabFailure($"another nanny-lab has been building in {cache} for a quarter of an hour");
        if (Directory.Exists(finished)) { return finished; }
        RemoveUnfinished();
        say($"building the base root file system in {cache} (once; about a minute)");
        var building = $"{cache}/building-{Recipe}-{Environment.ProcessId}";
        await Bootstrap(building, cancellationToken);
        say("building the local package repository");
        await new LocalRepository(building).Build(cancellationToken);
        // Only now does it have its name: what a crash leaves is never taken for a base.
        Directory.Move(building, finished);
        return finished;
    }

    private async Task Bootstrap(string target, CancellationToken cancellationToken)
    {
        // Its mounts live in a name space of their own, and the lock tells the next builder when a killed one's child is still at it.
        string[] command =
        [
            BuilderLock, Programs.Need("unshare", "util-linux"), "--mount", "--propagation", "private",
            Programs.Need("debootstrap", "debootstrap"), "--variant=minbase", "--include=tini", Suite, target, mirror ?? Mirror(),
        ];
        var result = await Cli.Wrap(Programs.Need("flock", "util-linux")).WithArguments(command)
            .WithEnvironmentVariables(e => e.Set("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").Set("LC_ALL", "C"))
            .WithValidation(CommandResultValidation.None)
            .ExecuteBufferedAsync(cancellationToken);
        if (result.ExitCode is not 0)
        {
            var tail = string.Join('\n', (result.StandardOutput + result.StandardError).TrimEnd().Split('\n').TakeLast(5));
            throw new LabFailure($"debootstrap failed with {result.ExitCode}:\n{tail}");
        }
    }

    private void RemoveUnfinished()
    {
        using (LockFile.Take(BuilderLock, TimeSpan.FromMinutes(15), () => say("waiting for the debootstrap of a killed nanny-lab")))
        {
            foreach (var left in Directory.EnumerateDirectories(cache, "building-*"))
            {
                say($"removing {Path.GetFileName(left)}, which was never finished");
                Mounts.Clear(left);
                Directory.Delete(left, recursive: true);
            }
        }
    }

    private string BuilderLock => $"{cache}/builder.lock";

    /// <summary>The mirror this machine itself uses.</summary>
    public static string Mirror()
    {
        var files = new[] { "/etc/apt/sources.list" }.Where(File.Exists)
            .Concat(Directory.Exists("/etc/apt/sources.list.d") ? Directory.GetFiles("/etc/apt/sources.list.d").Order(StringComparer.Ordinal) : []);
        return AptMirror.Find(files.Select(f => (f, File.ReadAllText(f))), Suite)
            ?? throw new LabFailure($"no source of Debian {Suite} in /etc/apt: name a mirror with --mirror");
    }
}
