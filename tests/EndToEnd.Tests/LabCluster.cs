using System.Text.RegularExpressions;
using CliWrap;
using CliWrap.Buffered;

namespace NannyOrleans.EndToEnd.Tests;

/// <summary>A lab of our own, and agents on its hosts, chosen by PATH and root directory as documented and by nothing else.</summary>
internal sealed partial class LabCluster(string directory) : IAsyncDisposable
{
    private static readonly string Lab = BuiltProgram.Of("Lab");
    private static readonly string[] ShowVersions = ["dpkg-query", "-W", "-f", "${Package} ${Version}\n", "lab-*"];

    private readonly Dictionary<string, RunningProgram> agents = [];

    /// <summary>The packages of a new container; <see cref="New"/>: once all are upgraded.</summary>
    public static Dictionary<string, string> Old => new() { ["lab-db"] = "8.0.32", ["lab-slow"] = "1.0", ["lab-tls"] = "3.0.2", ["lab-web"] = "1.18.0" };

    public static Dictionary<string, string> New => new() { ["lab-db"] = "8.0.35", ["lab-slow"] = "1.1", ["lab-tls"] = "3.0.13", ["lab-web"] = "1.24.0" };

    /// <summary>Runs a verb of the lab; gives all it said.</summary>
    public async Task<string> Verb(params string[] arguments)
    {
        var result = await Run(Lab, [.. arguments, "--dir", directory]);
        return result.StandardError + result.StandardOutput;
    }

    /// <summary>What the agents that run have said so far.</summary>
    public string Said => string.Join('\n', agents.Select(agent => $"The agent of {agent.Key} has said:\n{agent.Value.Log}"));

    public string RootOf(string host) => Path.Combine(directory, "hosts", host);

    /// <summary>Runs one of the host's own commands, as root would there.</summary>
    public async Task<string> OnHost(string host, string command, params string[] arguments) =>
        (await Run($"{RootOf(host)}/usr/sbin/{command}", arguments)).StandardOutput;

    /// <summary>Runs a script in the host's own system, beside the agent: there its jobs run, and its dpkg and apt are.</summary>
    public async Task<string> InHost(string host, string script) => (await Run(
        $"{RootOf(host)}/usr/bin/env",
        ["-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8", "sh", "-c", script])).StandardOutput;

    /// <summary>The id of the boot a host is in.</summary>
    public Task<string> BootId(string host) => File.ReadAllTextAsync($"{RootOf(host)}/proc/sys/kernel/random/boot_id");

    /// <summary>Runs <c>nannyagent doctor</c> on a host and gives what it prints.</summary>
    public async Task<(int? Code, string Printed)> Doctor(string host, params string[] arguments)
    {
        await using var doctor = Agent(host, ["doctor", .. arguments]);
        var code = await doctor.Exit();
        return (code, doctor.Log);
    }

    /// <summary>Runs a command in a container beside the agent and beside pct.</summary>
    public async Task<string> Inside(int vmid, params string[] command)
    {
        // One that another test has just let start again can't be entered for a moment.
        string[] arguments = ["-P", Path.Combine(directory, "lxc"), "-n", $"{vmid}", "--", .. command];
        var result = await Waiting.Until(
            () => Try("lxc-attach", arguments), result => !result.StandardError.Contains("Failed to get init pid", StringComparison.Ordinal), $"container {vmid} to be there");
        return Succeeded(result, "lxc-attach", arguments).StandardOutput;
    }

    /// <summary>The first process of a container and when the kernel started it: another one is another start.</summary>
    public async Task<string> Start(int vmid)
    {
        var pid = (await Run("lxc-info", ["-P", Path.Combine(directory, "lxc"), "-n", $"{vmid}", "-p", "-H"])).StandardOutput.Trim();
        var stat = await File.ReadAllTextAsync($"/proc/{pid}/stat");
        return $"{pid} {stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19]}";
    }

    /// <summary>The names of all programs that run in a container, this look itself left out.</summary>
    public async Task<string[]> Running(int vmid) => (await Inside(
        vmid, "sh", "-c", "for one in /proc/[0-9]*; do [ $one = /proc/$$ ] || { read -r name <$one/comm && echo $name; } 2>/dev/null || :; done")).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Runs a command in a VM's inside, beside the agent and beside its guest agent.</summary>
    public async Task<string> InsideVm(int vmid, params string[] command) =>
        (await Run("lxc-attach", ["-P", Path.Combine(directory, "roots"), "-n", $"vm{vmid}", "--", .. command])).StandardOutput;

    /// <summary>The versions of the lab's packages in a VM.</summary>
    public async Task<Dictionary<string, string>> VmVersions(int vmid) => Versions(await InsideVm(vmid, ShowVersions));

    /// <summary>The versions of the lab's packages in a container.</summary>
    public async Task<Dictionary<string, string>> Versions(int vmid) => Versions(await Inside(vmid, ShowVersions));

    /// <summary>The same in a container of any family, asked of its own package manager.</summary>
    public async Task<Dictionary<string, string>> Versions(int vmid, string family) => family switch
    {
        "apt" => await Versions(vmid),
        "pacman" => Versions((await Inside(vmid, "sh", "-c", "pacman -Q | grep ^lab-")).Replace("-1\n", "\n", StringComparison.Ordinal)),
        _ => Versions(await Inside(vmid, "rpm", "-qa", "--qf", "%{NAME} %{VERSION}\n", "lab-*")),
    };

    /// <summary>The same for a simulated container, which has no other door than the host's <c>pct</c>.</summary>
    public async Task<Dictionary<string, string>> SimulatedVersions(string host, int vmid) =>
        Versions(await OnHost(host, "pct", ["exec", $"{vmid}", "--", .. ShowVersions]));

    /// <summary>How often a package was upgraded, as dpkg in the container itself has written down.</summary>
    public async Task<int> Upgrades(int vmid, string package) =>
        (await Inside(vmid, "cat", "/var/log/dpkg.log")).Split('\n').Count(line => line.Contains($" upgrade {package}:", StringComparison.Ordinal));

    /// <summary>Registers a host's agent, an administrator approving the code it shows. It reaches the server at <paramref name="url"/>, or at its own address.</summary>
    public async Task Register(string host, Server server, string? url = null, string more = "")
    {
        Directory.CreateDirectory($"{RootOf(host)}/etc/nannyagent");
        await File.WriteAllTextAsync(
            $"{RootOf(host)}/etc/nannyagent/config.yml",
            $"""
             api_url: {url ?? server.Url}
             proxmox_mode: true
             guest_discovery_interval: 10
             metrics_interval: 5
             {more}

             """);
        await using var register = Agent(host, "register", "--api-url", url ?? server.Url);
        await server.Approve(Code().Match(await register.Line("  code:")).Value);
        Assert.True(await register.Exit() is 0, register.Log);
    }

    /// <summary>Registers an agent on a machine that is no Proxmox VE host.</summary>
    public static async Task RegisterMachine(string root, Server server)
    {
        await using var register = MachineAgent(root, "register", "--api-url", server.Url);
        await server.Approve(Code().Match(await register.Line("  code:")).Value);
        Assert.True(await register.Exit() is 0, register.Log);
    }

    /// <summary>The agent on such a machine.</summary>
    public static RunningProgram MachineAgent(string root, params string[] arguments) =>
        new([BuiltProgram.Of("Agent"), "--root", root, .. arguments], new Dictionary<string, string> { ["PATH"] = Environment.GetEnvironmentVariable("PATH")! });

    public RunningProgram StartAgent(string host) => agents[host] = Agent(host, "run");

    /// <summary>Kills a host's agent at once.</summary>
    public async Task KillAgent(string host)
    {
        if (agents.Remove(host, out var agent))
        {
            await agent.DisposeAsync();
        }
    }

    /// <summary>
    /// Cuts a host's power while it runs a job, and gives it back: its containers, its agent and the job's runner die in the same moment.
    /// On a real host the kernel sees to that; here they are processes of one machine.
    /// </summary>
    public async Task PowerCut(string host, string job)
    {
        var runner = (await File.ReadAllTextAsync($"{RootOf(host)}/var/lib/nannyagent/jobs/{job}/runner")).Split(' ')[0];
        await KillAgent(host);
        await Run("kill", ["-KILL", "--", $"-{runner}"]);
        await Verb("host", host, "off");
        await Verb("host", host, "on");
        StartAgent(host);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var agent in agents.Values)
        {
            await agent.DisposeAsync();
        }

        await Verb("down");
    }

    private static Dictionary<string, string> Versions(string shown) => shown.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select(line => line.Split(' ')).ToDictionary(part => part[0], part => part[1]);

    private RunningProgram Agent(string host, params string[] arguments) => new(
        [BuiltProgram.Of("Agent"), "--root", RootOf(host), .. arguments],
        new Dictionary<string, string>
        {
            ["PATH"] = $"{RootOf(host)}/usr/sbin:{RootOf(host)}/usr/bin:{Environment.GetEnvironmentVariable("PATH")}",
        });

    /// <summary>Runs a program to its end; throws with what it said when it failed.</summary>
    private static async Task<BufferedCommandResult> Run(string program, IReadOnlyList<string> arguments) => Succeeded(await Try(program, arguments), program, arguments);

    private static async Task<BufferedCommandResult> Try(string program, IReadOnlyList<string> arguments) =>
        await Cli.Wrap(program).WithArguments(arguments).WithValidation(CommandResultValidation.None).ExecuteBufferedAsync();

    private static BufferedCommandResult Succeeded(BufferedCommandResult result, string program, IReadOnlyList<string> arguments)
    {
        Assert.True(result.IsSuccess, $"{program} {string.Join(' ', arguments)} exited with {result.ExitCode}: {result.StandardError}{result.StandardOutput}");
        return result;
    }

    [GeneratedRegex("[A-Z]{4}-[A-Z]{4}")]
    private static partial Regex Code();
}
