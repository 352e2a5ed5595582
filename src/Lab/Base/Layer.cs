using System.Security.Cryptography;
using System.Text;
using CliWrap;
using CliWrap.Buffered;
using NannyOrleans.Lab.Linux;

namespace NannyOrleans.Lab.Base;

/// <summary>What a kind of machine has on top of the base root file system: made once by a script that runs in there, kept in the cache, never changed.</summary>
/// <param name="cache">As of the base.</param>
/// <param name="baseDirectory">The root file system below.</param>
/// <param name="say">Tells a person what takes long.</param>
internal sealed class Layer(string cache, string baseDirectory, Action<string> say)
{
    /// <summary>
    /// The mounts live in a name space of their own: a build that is killed leaves none. What the script puts into /own comes out as a directory
    /// beside the layer.
    /// </summary>
    private const string Build = """
        set -e
        building=$1 base=$2
        shift 2
        mkdir -p "$building/upper" "$building/work" "$building/own" "$building/root"
        mount -t overlay overlay -o "lowerdir=$base,upperdir=$building/upper,workdir=$building/work" "$building/root"
        mkdir -p "$building/root/own"
        mount --bind "$building/own" "$building/root/own"
        mount -t proc proc "$building/root/proc"
        cp "$building/script" "$building/root/own/script"
        chroot "$building/root" /bin/sh /own/script "$@" </dev/null
        rm -f "$building/own/script"
        umount "$building/root/own" "$building/root/proc"
        rmdir "$building/root/own"
        umount "$building/root"
        rm -rf "$building/work" "$building/root" "$building/script"
        """;

    /// <summary>Where the finished layer is; made first when it is not there.</summary>
    /// <param name="name">Its name, a plain word.</param>
    /// <param name="script">Builds it. Another text is another layer.</param>
    /// <param name="arguments">The script's.</param>
    /// <param name="prepare">Makes what the script finds in /own, in the directory it is given.</param>
    /// <param name="complete">Does what is left to do when the script has ended, in the layer's directory.</param>
    public string Ready(string name, string script, IReadOnlyList<string> arguments, Action<string>? prepare = null, Action<string>? complete = null)
    {
        var recipe = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\0', [baseDirectory, script, .. arguments]))))[..12];
        var finished = $"{cache}/layer-{name}-{recipe}";
        if (Directory.Exists(finished)) { return finished; }
        Directory.CreateDirectory(cache);
        using var held = LockFile.Take($"{cache}/layer-{name}.lock", TimeSpan.FromMinutes(15), () => say($"waiting for another nanny-lab that builds {name}"))
            ?? throw new LabFailure($"another nanny-lab has been building {name} in {cache} for a quarter of an hour");
        if (Directory.Exists(finished)) { return finished; }
        foreach (var left in Directory.EnumerateDirectories(cache, $"layering-{name}-*")) { Directory.Delete(left, recursive: true); }
        say($"building {name} in {cache} (once)");
        var building = $"{cache}/layering-{name}-{Environment.ProcessId}";
        Directory.CreateDirectory($"{building}/own");
        prepare?.Invoke($"{building}/own");
        File.WriteAllText($"{building}/script", script);
        var built = Cli.Wrap(Programs.Need("unshare", "util-linux"))
            .WithArguments(["--mount", "--propagation", "private", "--", "/bin/sh", "-c", Build, "sh", building, baseDirectory, .. arguments])
            .WithEnvironmentVariables(e => e.Set("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").Set("LC_ALL", "C").Set("DEBIAN_FRONTEND", "noninteractive").Set("HOME", "/root"))
            .WithWorkingDirectory("/").WithValidation(CommandResultValidation.None).ExecuteBufferedAsync().Task.GetAwaiter().GetResult();
        if (built.ExitCode is not 0)
        {
            var tail = string.Join('\n', (built.StandardOutput + built.StandardError).TrimEnd().Split('\n').TakeLast(8));
            throw new LabFailure($"building {name} failed with {built.ExitCode}:\n{tail}");
        }

        complete?.Invoke(building);
        // Only now does it have its name: what a crash leaves is never taken for a layer.
        Directory.Move(building, finished);
        return finished;
    }
}
