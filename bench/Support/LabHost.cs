using System.Globalization;

namespace NannyOrleans.Bench;

/// <summary>A lab of one Proxmox VE host, and the native agent on it, registered with a server. Both are gone with this.</summary>
internal sealed class LabHost : IAsyncDisposable
{
    private const string Host = "pve1";
    private static readonly string[] Places = ["usr/sbin", "usr/bin"];
    private readonly string directory = Path.Combine("/tmp", $"nb-{Environment.ProcessId}-{Guid.NewGuid():N}"[..20]);
    private LabAgent? agent;

    /// <summary>The commands that cost most of a CPU second each on a real host.</summary>
    public static readonly string[] PveCommands = ["pct", "qm", "pvesh", "pveversion", "pvecm", "pvesm", "ha-manager", "vzdump"];

    private string Lab => Path.Combine(directory, "lab");

    private string Root => Path.Combine(Lab, "hosts", Host);

    /// <summary>Where LXC finds the lab's containers.</summary>
    public string LxcPath => Path.Combine(Lab, "lxc");

    /// <summary>The search path of a shell on this host, with what counts calls or was put before the lab's commands.</summary>
    public string SearchPath => $"{directory}/bin:{Root}/usr/sbin:{Root}/usr/bin:{Environment.GetEnvironmentVariable("PATH")}";

    /// <summary>Where the calls of Proxmox VE's commands are counted, a line each.</summary>
    public string Calls => Path.Combine(directory, "calls");

    /// <summary>The agent's process.</summary>
    public int AgentPid => agent!.Pid;

    /// <summary>Brings the lab up.</summary>
    /// <param name="containers">How many there are.</param>
    /// <param name="cache">Where the base of the containers is; null: where the lab has it.</param>
    public static async Task<LabHost> Up(int containers, string? cache = null)
    {
        var host = new LabHost();
        Directory.CreateDirectory(host.directory);
        await host.RunLab(["up", "--hosts", "1", "--containers", containers.ToString(CultureInfo.InvariantCulture), .. cache is null ? (string[])[] : ["--cache", cache]]);
        host.CountCalls();
        return host;
    }

    /// <summary>Registers the agent and starts it.</summary>
    /// <param name="server">Its server.</param>
    /// <param name="discoverySeconds">Its <c>guest_discovery_interval</c>.</param>
    /// <param name="metricsSeconds">Its <c>metrics_interval</c>.</param>
    public async Task StartAgent(BenchServer server, int discoverySeconds, int metricsSeconds) =>
        agent = await LabAgent.Start(server, Root, SearchPath, discoverySeconds, metricsSeconds);

    /// <summary>How often each of Proxmox VE's commands has been called so far.</summary>
    public IReadOnlyList<string> CallsSoFar() => File.Exists(Calls) ? File.ReadAllLines(Calls) : [];

    /// <summary>Makes all containers as new: stopped, emptied and started.</summary>
    public Task Reset() => RunLab("reset");

    /// <summary>Puts another <c>pct</c> before the lab's: for measuring the agent and not the lab.</summary>
    public void Replace(string program, string script) => Executable(Path.Combine(directory, "bin", program), script);

    public async ValueTask DisposeAsync()
    {
        if (agent is not null)
        {
            await agent.DisposeAsync();
        }

        await RunLab("down");
        Directory.Delete(directory, recursive: true);
    }

    // Before the lab's own commands on the PATH: a line for each call, then the call itself.
    private void CountCalls()
    {
        foreach (var command in PveCommands)
        {
            var real = Places.Select(place => $"{Root}/{place}/{command}").FirstOrDefault(File.Exists);
            if (real is not null)
            {
                Executable(Path.Combine(directory, "bin", command), $"#!/bin/sh\necho \"{command} $*\" >> '{Calls}'\nexec '{real}' \"$@\"\n");
            }
        }
    }

    private static void Executable(string path, string script)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, script);
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private Task<string> RunLab(params string[] arguments) => LabProgram.Run(Lab, arguments);
}
