using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;

namespace NannyOrleans.Scripts.Tests;

/// <summary>
/// A Debian system of its own for one test: an overlay in memory over the <see cref="DebianBase"/>, in its own mount,
/// process and network namespaces. Everything in it ends with it. apt, dpkg and sh in it are the real ones.
/// </summary>
internal sealed class DebianMachine : IAsyncDisposable
{
    /// <summary>What the agent gives a script inside a container, and nothing more.</summary>
    private static readonly string[] CleanEnvironment =
        ["/usr/bin/env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8"];

    private const string Boot = """
        set -e
        mount -t tmpfs -o mode=755 machine "$2"
        mkdir "$2/upper" "$2/work" "$2/root"
        mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
        mount -t proc proc "$2/root/proc"
        mount -t tmpfs -o mode=755 dev "$2/root/dev"
        for device in null zero full random urandom tty; do : >"$2/root/dev/$device"; mount --bind "/dev/$device" "$2/root/dev/$device"; done
        mkdir "$2/root/dev/pts"
        mount -t devpts -o newinstance,ptmxmode=0666 devpts "$2/root/dev/pts"
        ln -s pts/ptmx "$2/root/dev/ptmx"
        exec chroot "$2/root" sh -c 'echo booted >&2; exec sleep infinity' <&-
        """;

    private readonly Process holder;
    private readonly string directory;
    private readonly string init;

    private DebianMachine(Process holder, string directory, string init)
    {
        this.holder = holder;
        this.directory = directory;
        this.init = init;
    }

    /// <summary>The script under test, as it would be sent.</summary>
    public static string Script { get; } = CatalogueScript.Of("apt");

    /// <summary>Starts one, with an empty repository at <c>/srv/repo</c> as its only source.</summary>
    public static async Task<DebianMachine> Start()
    {
        var lower = await DebianBase.Path();
        var directory = Directory.CreateTempSubdirectory("nanny-machine-").FullName;
        var start = new ProcessStartInfo("unshare") { RedirectStandardError = true };
        foreach (var argument in (string[])["--mount", "--pid", "--net", "--ipc", "--fork", "--kill-child", "--propagation", "private",
            "sh", "-c", Boot, "sh", lower, directory])
        {
            start.ArgumentList.Add(argument);
        }

        var holder = Process.Start(start)!;
        var said = await holder.StandardError.ReadLineAsync();
        Assert.True(said is "booted", $"The machine did not start: {said} {(said is "booted" ? "" : await holder.StandardError.ReadToEndAsync())}");
        var init = (await File.ReadAllTextAsync($"/proc/{holder.Id}/task/{holder.Id}/children")).Trim();
        var machine = new DebianMachine(holder, directory, init);
        machine.Write("/etc/apt/sources.list", "deb [trusted=yes] file:/srv/repo ./\n");
        machine.Write("/etc/apt/apt.conf.d/90tests", "Acquire::Languages \"none\";\n");
        await machine.Publish();
        return machine;
    }

    /// <summary>A file of it, as seen from outside.</summary>
    public string Outside(string path) => $"/proc/{init}/root{path}";

    /// <summary>Writes a file in it.</summary>
    public void Write(string path, string content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Outside(path))!);
        File.WriteAllText(Outside(path), content);
    }

    /// <summary>Reads a file of it.</summary>
    public string Read(string path) => File.ReadAllText(Outside(path));

    /// <summary>Installs packages, as if they had always been there.</summary>
    public async Task Install(params Package[] packages)
    {
        foreach (var package in packages)
        {
            await package.Build(Outside("/root/installed"));
        }

        await Succeed("dpkg -i /root/installed/*.deb && rm -r /root/installed");
    }

    /// <summary>Adds packages to its repository, which calls itself <c>Odd Label, Inc.</c> to test who reads labels.</summary>
    public Task Publish(params Package[] packages) => PublishAt("/srv/repo", "Odd Label, Inc.", packages);

    /// <summary>Adds packages to the repository at <paramref name="path"/>. <paramref name="label"/> is bytes as Latin-1.</summary>
    public async Task PublishAt(string path, string label, params Package[] packages)
    {
        var index = new StringBuilder(File.Exists(Outside($"{path}/Packages")) ? Read($"{path}/Packages") : "");
        foreach (var package in packages)
        {
            var file = await package.Build(Outside(path));
            index.Append(package.Control)
                .Append("Filename: ./").Append(Path.GetFileName(file)).Append('\n')
                .Append("Size: ").Append(new FileInfo(file).Length).Append('\n')
                .Append("SHA256: ").Append(Sha256(File.ReadAllBytes(file))).Append("\n\n");
        }

        Write($"{path}/Packages", index.ToString());
        var bytes = File.ReadAllBytes(Outside($"{path}/Packages"));
        File.WriteAllText(
            Outside($"{path}/Release"),
            $"Origin: Tests\nLabel: {label}\nSuite: stable\nVersion: 12\nDate: Thu, 01 Jan 1970 00:00:00 UTC\nSHA256:\n {Sha256(bytes)} {bytes.Length} Packages\n",
            Encoding.Latin1);
    }

    /// <summary>Runs the patch script the way the agent does and reads its document.</summary>
    public async Task<PatchRun> Patch(params string[] arguments)
    {
        await using var command = StartPatch(arguments);
        return PatchRun.Of(await command.End());
    }

    /// <summary>Starts the patch script the way the agent does. Its process id, and group, is in <c>/run/patch.pid</c>.</summary>
    public Command StartPatch(params string[] arguments) => StartScript(Script, arguments);

    /// <summary>The same of another script.</summary>
    public Command StartScript(string script, params string[] arguments) =>
        Enter(script, ["NANNY_LOCK_TIMEOUT=" + LockTimeout, "setsid", "sh", "-c", "echo $$ >/run/patch.pid; exec sh -s -- \"$@\"", "sh", .. arguments]);

    /// <summary>How many seconds the script waits for a lock.</summary>
    public int LockTimeout { get; set; } = 120;

    /// <summary>Starts a shell command in it.</summary>
    public Command StartShell(string command) => Enter("", ["sh", "-c", command]);

    /// <summary>Runs a shell command in it that must succeed; returns what it wrote.</summary>
    public async Task<string> Succeed(string command)
    {
        await using var running = StartShell(command);
        var result = await running.End();
        Assert.True(result.ExitCode is 0, $"{command} exited {result.ExitCode}: {result.Output}{result.Errors}");
        return result.Output;
    }

    /// <summary>The version dpkg has installed, and its state, such as <c>2.0 installed</c>.</summary>
    public async Task<string> Version(string package) =>
        await Succeed($"dpkg-query -W -f '${{Version}} ${{db:Status-Status}}' {package}");

    /// <summary>Ends it and everything in it.</summary>
    public async ValueTask DisposeAsync()
    {
        holder.Kill();
        await holder.WaitForExitAsync();
        holder.Dispose();
        Directory.Delete(directory);
    }

    private Command Enter(string input, string[] command) => Command.Start(
        "nsenter",
        ["--target", init, "--mount", "--pid", "--net", "--ipc", "--root", "--wd", "--", .. CleanEnvironment, .. command],
        input);

    private static string Sha256(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));
}
