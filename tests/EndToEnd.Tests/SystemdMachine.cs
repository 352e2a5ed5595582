using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using NannyOrleans.Scripts.Tests;

namespace NannyOrleans.EndToEnd.Tests;

/// <summary>
/// A Debian machine that systemd has booted, in a container that shares this machine's network, with the agent installed as it is shipped:
/// its unit file, started by systemd.
/// </summary>
internal sealed class SystemdMachine : IAsyncDisposable
{
    private const string Name = "machine";

    // The mounts live in a name space of their own: a build that is killed leaves none.
    private const string Build = """
        set -e
        base=$1 building=$2
        mkdir -p "$building/upper" "$building/work" "$building/root"
        mount -t overlay overlay -o "lowerdir=$base,upperdir=$building/upper,workdir=$building/work" "$building/root"
        mount -t proc proc "$building/root/proc"
        echo "deb [trusted=yes] $3 $4 main" >"$building/root/etc/apt/sources.list"
        chroot "$building/root" sh -c 'apt-get -q update && apt-get -q -y --no-install-recommends install systemd dbus' </dev/null >"$building/log" 2>&1 || { tail -n 8 "$building/log" >&2; exit 1; }
        rm -rf "$building/root/etc/apt/sources.list" "$building/root"/var/lib/apt/lists/* "$building/root"/var/cache/apt/*
        umount "$building/root/proc"
        umount "$building/root"
        rm -rf "$building/work" "$building/root" "$building/log"
        """;

    private readonly string directory;
    private string root = "";

    private SystemdMachine(string directory) => this.directory = directory;

    /// <summary>Boots one whose packages come from an own repository at <c>/srv/repo</c> alone.</summary>
    public static async Task<SystemdMachine> Boot(Server server)
    {
        var (lower, layer) = (await DebianBase.Path(), await Layer());
        var machine = new SystemdMachine(Directory.CreateTempSubdirectory("nanny-systemd-").FullName);
        var own = $"{machine.directory}/{Name}";
        Directory.CreateDirectory($"{own}/upper");

        // Programs are this machine's, read-only: the agent's, and the runtime that it needs as long as it is no native binary.
        var (agent, api) = (Path.GetDirectoryName(BuiltProgram.Of("Agent"))!, Path.GetDirectoryName(BuiltProgram.Of("Api"))!);
        var runtime = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../.."));
        await File.WriteAllTextAsync(
            $"{own}/config",
            $"""
            lxc.uts.name = systemd-01
            lxc.rootfs.path = overlay:{layer}:{lower}:{own}/upper
            lxc.apparmor.profile = unconfined
            lxc.mount.auto = proc:mixed sys:mixed cgroup:mixed
            lxc.mount.entry = {agent} opt/nannyagent none bind,ro,create=dir 0 0
            lxc.mount.entry = {api} opt/nannyorleans/api none bind,ro,create=dir 0 0
            lxc.mount.entry = {runtime} opt/dotnet none bind,ro,create=dir 0 0
            lxc.cap.drop = mac_admin mac_override sys_module sys_rawio sys_time
            lxc.net.0.type = none
            lxc.init.cmd = /lib/systemd/systemd
            lxc.signal.halt = SIGRTMIN+3

            """);
        foreach (var (file, text) in new Dictionary<string, string>
        {
            ["etc/hostname"] = "systemd-01\n",
            ["etc/machine-id"] = Guid.NewGuid().ToString("N") + "\n",
            ["etc/dotnet/install_location"] = "/opt/dotnet\n",
            ["etc/apt/sources.list"] = "deb [trusted=yes] file:/srv/repo ./\n",
            ["etc/nannyagent/config.yml"] = $"api_url: {server.Url}\nproxmox_mode: false\nmetrics_interval: 5\nguest_discovery_interval: 10\n",
            ["opt/nannyorleans/backup.sh"] = await File.ReadAllTextAsync(Path.Combine(AppContext.BaseDirectory, "backup.sh")),
        })
        {
            Directory.CreateDirectory(Path.GetDirectoryName($"{own}/upper/{file}")!);
            await File.WriteAllTextAsync($"{own}/upper/{file}", text);
        }

        File.SetUnixFileMode($"{own}/upper/opt/nannyorleans/backup.sh", (UnixFileMode)0b111_101_101);
        foreach (var unit in (string[])["nannyagent.service", "nanny-api.service", "nanny-backup.service"])
        {
            var file = $"{own}/upper/etc/systemd/system/{unit}";
            Directory.CreateDirectory($"{file}.d");
            File.Copy(Path.Combine(AppContext.BaseDirectory, unit), file);

            // A container's /dev is put together by LXC, and systemd cannot make another of it.
            await File.WriteAllTextAsync($"{file}.d/container.conf", "[Service]\nPrivateDevices=no\n");
        }

        // The network is not its own: nothing in there sets it up.
        foreach (var unit in (string[])["systemd-sysctl.service", "systemd-networkd.service", "systemd-udevd.service", "apt-daily.timer", "apt-daily-upgrade.timer"])
        {
            File.CreateSymbolicLink($"{own}/upper/etc/systemd/system/{unit}", "/dev/null");
        }

        Directory.CreateDirectory($"{own}/upper/usr/local/bin");
        File.CreateSymbolicLink($"{own}/upper/usr/local/bin/nannyagent", "/opt/nannyagent/nannyagent");
        await Command.Succeed("lxc-start", "-P", machine.directory, "-n", Name, "-o", $"{own}/log", "-l", "ERROR");
        try
        {
            machine.root = $"/proc/{(await Command.Succeed("lxc-info", "-P", machine.directory, "-n", Name, "-pH")).Trim()}/root";
            await Waiting.Until(() => machine.Try("systemctl is-system-running --wait"), state => state is "running\n" or "degraded\n", "systemd to have booted");
            return machine;
        }
        catch
        {
            await machine.DisposeAsync();
            throw;
        }
    }

    /// <summary>Registers the agent that runs in it, an administrator approving the code it shows.</summary>
    public async Task Register(Server server)
    {
        await using var register = new RunningProgram(Entry("nannyagent register"), new Dictionary<string, string>());
        await server.Approve((await register.Line("  code:")).Split(':')[1].Trim());
        Assert.True(await register.Exit() is 0, register.Log);
    }

    /// <summary>Installs packages, as if they had always been there.</summary>
    public async Task Install(Package package)
    {
        await package.Build($"{root}/root/installed");
        await Succeed("dpkg -i /root/installed/*.deb");
    }

    /// <summary>Makes a package all that is in the machine's repository.</summary>
    public async Task Publish(Package package)
    {
        var file = await package.Build($"{root}/srv/repo");
        var index = $"{package.Control}Filename: ./{Path.GetFileName(file)}\nSize: {new FileInfo(file).Length}\nSHA256: {Sha256(await File.ReadAllBytesAsync(file))}\n";
        await File.WriteAllTextAsync($"{root}/srv/repo/Packages", index);
        await File.WriteAllTextAsync(
            $"{root}/srv/repo/Release",
            $"Origin: Tests\nSuite: stable\nDate: Thu, 01 Jan 1970 00:00:00 UTC\nSHA256:\n {Sha256(Encoding.UTF8.GetBytes(index))} {index.Length} Packages\n");
    }

    /// <summary>Runs a shell command in it that must succeed; gives what it wrote.</summary>
    public async Task<string> Succeed(string command)
    {
        var result = await Command.Run("lxc-attach", Entry(command)[1..]);
        Assert.True(result.ExitCode is 0, $"{command} exited {result.ExitCode}: {result.Output}{result.Errors}");
        return result.Output;
    }

    /// <summary>Runs a shell command in it; gives what it wrote, whatever its end.</summary>
    public async Task<string> Try(string command)
    {
        var result = await Command.Run("lxc-attach", Entry(command)[1..]);
        return result.Output + result.Errors;
    }

    /// <summary>A wait for something that the agent has to do: one that takes too long tells what the agent has said.</summary>
    public async Task<T> WithJournal<T>(Task<T> wait)
    {
        try
        {
            return await wait;
        }
        catch (TimeoutException late)
        {
            throw new TimeoutException($"The machine's journal ends with:\n{await Try("journalctl --no-pager --lines 40; systemctl --failed --no-pager")}\n{late.Message}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Command.Run("lxc-stop", ["-P", directory, "-n", Name, "--kill"]);
        Directory.Delete(directory, recursive: true);
    }

    private static string Sha256(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private string[] Entry(string command) =>
    [
        "lxc-attach", "-P", directory, "-n", Name, "--clear-env", "--set-var", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "--", "sh", "-c", command,
    ];

    /// <summary>systemd over the base, made once per machine.</summary>
    private static async Task<string> Layer()
    {
        var lower = await DebianBase.Path();
        var path = $"{lower}.systemd";
        if (!Directory.Exists(path))
        {
            // Renamed when it is whole, whoever else builds one.
            var building = $"{path}.{Guid.NewGuid():n}";
            await Command.Succeed("unshare", "--mount", "--propagation", "private", "sh", "-c", Build, "sh", lower, building, await DebianBase.Mirror(), DebianBase.Suite);
            try
            {
                Directory.Move($"{building}/upper", path);
            }
            catch (IOException) when (Directory.Exists(path))
            {
            }

            Directory.Delete(building, recursive: true);
        }

        return path;
    }
}
