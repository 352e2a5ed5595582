using CliWrap;
using CliWrap.Buffered;

namespace NannyOrleans.Lab.Tests;

/// <summary>A lab of a test's own, used through the program as a person does.</summary>
internal sealed class LabUnderTest : IAsyncDisposable
{
    private static readonly string Program = BuiltProgram.Of("Lab");
    private static int made;

    private LabUnderTest(string directory) => Directory = directory;

    /// <summary>The lab's `--dir`.</summary>
    public string Directory { get; }

    public static string NewDirectory() => $"/tmp/nanny-lab-test-{Environment.ProcessId}-{Interlocked.Increment(ref made)}";

    /// <summary>Why no container can run here; null when they can.</summary>
    public static string? Missing { get; } = Environment.UserName != "root" ? "these tests need root"
        : !File.Exists("/usr/bin/lxc-start") ? "these tests need LXC: apt-get install lxc"
        : null;

    /// <summary>Skips, or in CI fails, the test where there are no containers to be had.</summary>
    public static void NeedsContainers()
    {
        if (Missing is null) { return; }
        // A CI that skips them would be green without a single container started.
        Assert.False(Environment.GetEnvironmentVariable("CI") is { Length: > 0 }, Missing);
        Assert.Skip(Missing);
    }

    public static async Task<LabUnderTest> Up(params string[] options)
    {
        var lab = new LabUnderTest(NewDirectory());
        var up = await lab.Verb(["up", .. options]);
        Assert.True(up.ExitCode is 0, up.StandardError);
        return lab;
    }

    /// <summary>A lab that was not started.</summary>
    public static LabUnderTest At(string directory) => new(directory);

    public string Root(string host) => $"{Directory}/hosts/{host}";

    /// <summary>Runs `nanny-lab` on this lab.</summary>
    public Task<BufferedCommandResult> Verb(params string[] words) => Cli.Wrap(Program)
        .WithArguments([.. words, "--dir", Directory]).WithValidation(CommandResultValidation.None).ExecuteBufferedAsync();

    public Command VerbCommand(params string[] words) => Cli.Wrap(Program)
        .WithArguments([.. words, "--dir", Directory]).WithValidation(CommandResultValidation.None);

    /// <summary>Runs a shell line on a host, with the environment of a login and nothing of the test's.</summary>
    public Command On(string host, string line) => Cli.Wrap("/usr/bin/env")
        .WithArguments(
        [
            "-i", $"PATH={Root(host)}/usr/sbin:{Root(host)}/usr/bin:{Path.GetDirectoryName(Program)}:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME=/root", "LANG=C.UTF-8", "LOGNAME=root", "TERM=linux", "USER=root", "bash", "-c", line,
        ])
        .WithWorkingDirectory("/").WithValidation(CommandResultValidation.None);

    public Task<BufferedCommandResult> Run(string host, string line) => On(host, line).ExecuteBufferedAsync();

    /// <summary>Runs a line that only prepares a test.</summary>
    public async Task<string> Must(string host, string line)
    {
        var result = await Run(host, line);
        Assert.True(result.ExitCode is 0, $"`{line}` ended with {result.ExitCode}: {result.StandardError}");
        return result.StandardOutput;
    }

    public async ValueTask DisposeAsync() => await Verb("down");
}
