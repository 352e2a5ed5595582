using System.Globalization;
using System.Text.RegularExpressions;
using CliWrap;
using CliWrap.Buffered;

namespace NannyOrleans.Chaos.Tests;

/// <summary>A lab and the agents on its hosts.</summary>
internal sealed partial class Fleet(string name, string[] hosts, string[] more) : IAsyncDisposable
{
    private readonly DataDirectory directory = new();
    private readonly Dictionary<string, Supervised> agents = [];

    public IReadOnlyCollection<Supervised> Agents => agents.Values;

    public IReadOnlyList<string> Hosts => hosts;

    public async Task Up(string plan)
    {
        // The lab of root runs simulated guests as nobody, who has to get to them.
        File.SetUnixFileMode(directory.Path, File.GetUnixFileMode(directory.Path) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        await File.WriteAllTextAsync(directory.PathOf("plan"), plan);
        await Verb(["up", "--plan", directory.PathOf("plan"), .. more]);
    }

    /// <summary>Registers the agents and starts them.</summary>
    public async Task Connect(ControlPlane plane)
    {
        await Parallel.ForEachAsync(hosts, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (host, _) =>
        {
            Directory.CreateDirectory($"{RootOf(host)}/etc/nannyagent");
            await File.WriteAllTextAsync(
                $"{RootOf(host)}/etc/nannyagent/config.yml",
                $"""
                 api_url: {plane.Url}
                 proxmox_mode: true
                 guest_discovery_interval: 10
                 metrics_interval: 10
                 custom_scripts: true

                 """,
                CancellationToken.None);
            await using var register = Agent(host, "register", "--api-url", plane.Url);
            await plane.Approve(Code().Match(await register.Line("  code:")).Value);
            Assert.True(await register.Exit() is 0, register.Log);
        });
        foreach (var host in hosts)
        {
            agents[host] = await new Supervised($"{name} {host}", () => Agent(host, "run")).Start();
        }
    }

    /// <summary>Runs a verb of the lab; gives all it said.</summary>
    public async Task<string> Verb(params string[] arguments)
    {
        var result = await Cli.Wrap(BuiltProgram.Of("Lab")).WithArguments([.. arguments, "--dir", Lab]).WithValidation(CommandResultValidation.None).ExecuteBufferedAsync();
        Assert.True(result.ExitCode is 0 || arguments is ["referee"], $"nanny-lab {string.Join(' ', arguments)} exited with {result.ExitCode}: {result.StandardError}{result.StandardOutput}");
        return result.StandardOutput;
    }

    /// <summary>What a container's file has in it; empty when it is not there.</summary>
    public async Task<string> Read(int vmid, string file) => (await Cli.Wrap("lxc-attach")
        .WithArguments(["-P", Path.Combine(Lab, "lxc"), "-n", $"{vmid}", "--", "cat", file]).WithValidation(CommandResultValidation.None).ExecuteBufferedAsync()).StandardOutput;

    public async ValueTask DisposeAsync()
    {
        foreach (var agent in agents.Values)
        {
            await agent.DisposeAsync();
        }

        if (Directory.Exists(Lab))
        {
            await Verb("down");
        }

        directory.Dispose();
    }

    private string Lab => directory.PathOf("lab");

    private string RootOf(string host) => Path.Combine(Lab, "hosts", host);

    private RunningProgram Agent(string host, params string[] arguments) => new(
        [BuiltProgram.Of("Agent"), "--root", RootOf(host), .. arguments],
        new Dictionary<string, string> { ["PATH"] = string.Create(CultureInfo.InvariantCulture, $"{RootOf(host)}/usr/sbin:{RootOf(host)}/usr/bin:{Environment.GetEnvironmentVariable("PATH")}") });

    [GeneratedRegex("[A-Z]{4}-[A-Z]{4}")]
    private static partial Regex Code();
}
