using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using NannyOrleans.Agent.Jobs;
using NannyOrleans.Agent.Tests.Support;

namespace NannyOrleans.Agent.Tests.Jobs;

/// <summary>The scripts themselves, by the sh of this machine in a directory of its own.</summary>
public sealed class VmRunTests : IDisposable
{
    private const string Job = "0199c000-0000-7000-8000-000000000001";
    private readonly string folder = Directory.CreateTempSubdirectory("nanny-vm-").FullName;

    private string Jobs => Path.Combine(folder, "jobs");

    private string Inside(string name) => Path.Combine(Jobs, Job, name);

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task It_runs_once_however_often_it_is_started_and_its_end_is_kept()
    {
        var script = "echo \"ran $1 \u00fc\"; echo once >>../ran; echo bad >&2; exit 3";
        Assert.Equal("started\n", await Start(script));
        var end = await Until("ended");
        Assert.Equal("claimed\n", await Start(script));
        Assert.Equal(3, end.ExitCode);
        Assert.Equal("ran --dry-run \u00fc\n", Encoding.UTF8.GetString(end.Block));
        Assert.Equal("bad\n", Encoding.UTF8.GetString((await Look(errors: true)).Block));
        Assert.Equal("\u00fc\n", Encoding.UTF8.GetString((await Look(offset: 14)).Block));
        Assert.Equal("ran", Encoding.UTF8.GetString((await Look(length: 3)).Block));
        Assert.Equal("once\n", await File.ReadAllTextAsync(Path.Combine(Jobs, "ran"), TestContext.Current.CancellationToken));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Path.Combine(Jobs, Job)));
    }

    [Fact]
    public async Task A_script_that_did_not_arrive_whole_is_not_run()
    {
        Assert.Equal("damaged\n", await Start("echo ran >../ran", new string('0', 64)));
        Assert.Equal("prevented", (await Look()).State);
        Assert.False(File.Exists(Path.Combine(Jobs, "ran")));
    }

    [Fact]
    public async Task What_was_prevented_is_never_started_and_what_was_started_is_not_prevented()
    {
        Assert.Equal("none", (await Look()).State);
        Assert.Equal("prevented\n", await Sh(VmRun.Prevent, "", Jobs, Job));
        Assert.Equal("prevented\n", await Sh(VmRun.Prevent, "", Jobs, Job));
        Assert.Equal("claimed\n", await Start("exit 0"));
        Assert.Equal("prevented", (await Look()).State);

        Directory.Delete(Inside(""), recursive: true);
        Assert.Equal("started\n", await Start("exit 0"));
        Assert.Equal(0, (await Until("ended")).ExitCode);
        Assert.Equal("claimed\n", await Sh(VmRun.Prevent, "", Jobs, Job));
        Assert.Equal("ended", (await Look()).State);
    }

    [Fact]
    public async Task A_start_that_is_on_its_way_is_prevented_by_whoever_comes_first()
    {
        // A systemd-run that says it failed and starts the unit all the same, later.
        var program = Path.Combine(folder, "systemd-run");
        await File.WriteAllTextAsync(program, "#!/bin/sh\nexit 1\n", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Assert.Equal(string.Empty, await Start("echo ran >../ran", systemd: folder, exit: 1));
        Assert.Equal("prevented", (await Look()).State);
        await Sh($"sh {Inside("runner")} {Inside("")} sh script", "", 1);
        Assert.Equal("prevented", (await Look()).State);
        Assert.False(File.Exists(Path.Combine(Jobs, "ran")));
    }

    [Fact]
    public async Task What_jobs_of_last_week_have_left_goes_with_the_next_start()
    {
        var (old, young) = (Directory.CreateDirectory(Path.Combine(Jobs, "old")), Directory.CreateDirectory(Path.Combine(Jobs, "young")));
        await File.WriteAllTextAsync(Path.Combine(old.FullName, "code"), "0\n", TestContext.Current.CancellationToken);
        old.LastWriteTimeUtc = young.LastWriteTimeUtc - TimeSpan.FromDays(9);
        Assert.Equal("started\n", await Start("exit 0"));
        Assert.Equal(0, (await Until("ended")).ExitCode);
        Assert.False(Directory.Exists(old.FullName));
        Assert.True(Directory.Exists(young.FullName));
    }

    [Fact]
    public async Task The_middle_of_a_flood_goes_back_to_the_disk_and_its_ends_stay()
    {
        Directory.CreateDirectory(Inside(""));
        await Sh($"head -c 80000000 /dev/zero | tr '\\0' x >{Inside("out")}; echo last >>{Inside("out")}", "", 0);
        var first = await Look(length: 3);
        Assert.Equal((80_000_005, "xxx"), (first.Out, Encoding.UTF8.GetString(first.Block)));
        Assert.Equal("last\n", Encoding.UTF8.GetString((await Look(offset: 80_000_000)).Block));
        Assert.InRange(long.Parse(await Sh($"stat -c %b {Inside("out")}", "", 0), System.Globalization.CultureInfo.InvariantCulture) * 512, 1, 20_000_000);
    }

    [Fact]
    public async Task It_is_ended_by_a_signal_to_all_of_it()
    {
        Directory.CreateDirectory(Jobs);
        Posix.MakePipe(Path.Combine(Jobs, "never"));
        Assert.Equal("started\n", await Start("cat ../never"));
        await Until("runs");
        await Until(() => Task.FromResult(File.Exists(Inside("command.pid"))));
        await Sh(VmRun.Signal, "", Jobs, Job, "TERM");
        Assert.NotEqual(0, (await Until("ended")).ExitCode);
    }

    [Fact]
    public async Task A_process_of_another_boot_or_another_start_is_not_its_own()
    {
        Directory.CreateDirectory(Inside(""));
        var boot = await File.ReadAllTextAsync("/proc/sys/kernel/random/boot_id", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Inside("boot"), boot, TestContext.Current.CancellationToken);
        Assert.Equal("claimed", (await Look()).State);

        using var bystander = Process.Start("setsid", ["tail", "-f", "/dev/null"]);
        try
        {
            await File.WriteAllTextAsync(Inside("runner.pid"), $"{bystander.Id} 1\n", TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(Inside("command.pid"), $"{bystander.Id} 1\n", TestContext.Current.CancellationToken);
            Assert.Equal("gone", (await Look()).State);
            await Sh(VmRun.Signal, "", Jobs, Job, "KILL");
            Assert.False(bystander.HasExited);

            await File.WriteAllTextAsync(Inside("boot"), "another\n", TestContext.Current.CancellationToken);
            Assert.Equal("gone", (await Look()).State);
        }
        finally
        {
            bystander.Kill();
            await bystander.WaitForExitAsync(TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task Where_there_is_systemd_it_runs_in_a_unit_of_its_own()
    {
        // Stands in for systemd-run: it notes its words and runs the command that follows the options.
        var program = Path.Combine(folder, "systemd-run");
        await File.WriteAllTextAsync(program, "#!/bin/sh\necho \"$3 $4\" >\"${0%/*}/unit\"\nshift 4\n\"$@\"\n", TestContext.Current.CancellationToken);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Assert.Equal("started\n", await Start("exit 7", systemd: folder));
        Assert.Equal(7, (await Until("ended")).ExitCode);
        Assert.Equal($"--unit nanny-{Job}\n", await File.ReadAllTextAsync(Path.Combine(folder, "unit"), TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("")]
    [InlineData("runs 1\n5 0\n")] // no block, though there are five bytes
    [InlineData("runs 1\n5 0\naGVs")] // cut
    [InlineData("runs 1\n5 0\naGVsbG8")] // cut within a group
    [InlineData("runs 1\n5 0\naGVsbG8hIGhlbGxvIQ==")] // more than was asked for
    [InlineData("walks\n0 0\n")]
    [InlineData("runs\n0 0\n")] // for how long?
    [InlineData("runs -1\n0 0\n")]
    [InlineData("runs 9223372036854775807\n0 0\n")] // for longer than a time can be
    [InlineData("ended\n0 0\n")]
    [InlineData("ended x\n0 0\n")]
    [InlineData("ended -1\n0 0\n")]
    [InlineData("ended 256\n0 0\n")]
    [InlineData("runs 1\n-1 0\n")]
    [InlineData("runs 1\n0\n")]
    public void What_is_not_a_whole_look_is_none(string output) => Assert.Null(VmRun.Parse(output, ofErrors: false, 0, 8));

    private Task<string> Start(string script, string? hash = null, string? systemd = null, int exit = 0) => Sh(
        VmRun.Start, script, exit, Jobs, Job, systemd ?? Path.Combine(folder, "no-systemd"),
        hash ?? Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(script))), "timeout", "-k", "10", "600", "sh", "script", "--dry-run");

    private async Task<VmLook> Look(bool errors = false, long offset = 0, int length = 65536)
    {
        var said = await Sh(VmRun.Look, "", Jobs, Job, errors ? "err" : "out", $"{offset}", $"{length}");
        return VmRun.Parse(said, errors, offset, length) ?? throw new InvalidOperationException($"not a look: {said}");
    }

    private async Task<VmLook> Until(string state)
    {
        await Until(async () => (await Look()).State == state);
        return await Look();
    }

    private static async Task Until(Func<Task<bool>> holds)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromMinutes(1));
        while (!await holds())
        {
            await Task.Delay(10, limit.Token);
        }
    }

    private Task<string> Sh(string script, string input, params string[] arguments) => Sh(script, input, 0, arguments);

    private async Task<string> Sh(string script, string input, int exit, params string[] arguments)
    {
        var start = new ProcessStartInfo("sh", ["-c", script, "nanny", .. arguments]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment["PATH"] = $"{folder}:{start.Environment["PATH"]}";
        using var process = Process.Start(start)!;
        try
        {
            await process.StandardInput.BaseStream.WriteAsync(Encoding.UTF8.GetBytes(input), TestContext.Current.CancellationToken);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended already, and did not want it: started once, it is not started again. Its code says whether that was right.
        }

        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(exit, process.ExitCode);
        return output;
    }
}
