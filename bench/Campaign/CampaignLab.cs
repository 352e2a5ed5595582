using System.Diagnostics;
using System.Globalization;

namespace NannyOrleans.Bench.Campaign;

/// <summary>A lab of several Proxmox VE hosts with real containers, and the native agent on each, registered with a server. All is gone with this.</summary>
internal sealed class CampaignLab : IAsyncDisposable
{
    private readonly string directory = Path.Combine("/tmp", $"nb-{Environment.ProcessId}-{Guid.NewGuid():N}"[..20]);
    private readonly List<LabAgent> agents = [];
    private readonly string[] hosts;

    private CampaignLab(int hosts) => this.hosts = [.. Enumerable.Range(1, hosts).Select(number => string.Create(CultureInfo.InvariantCulture, $"pve{number}"))];

    private string Lab => Path.Combine(directory, "lab");

    /// <summary>Brings the lab up, with rounds of HA of a fifth of a second, and starts an agent on each host.</summary>
    /// <param name="server">The agents' server.</param>
    /// <param name="hosts">How many hosts there are.</param>
    /// <param name="containers">How many containers there are in all.</param>
    public static async Task<CampaignLab> Up(BenchServer server, int hosts, int containers)
    {
        var lab = new CampaignLab(hosts);
        Directory.CreateDirectory(lab.directory);
        await lab.Verb("up", "--hosts", Text(hosts), "--containers", Text(containers), "--ha-round-seconds", "0.2");
        foreach (var host in lab.hosts)
        {
            // The usual intervals: a campaign must not live on reports that come often anyway.
            lab.agents.Add(await LabAgent.Start(server, lab.Root(host), $"{lab.Root(host)}/usr/sbin:{lab.Root(host)}/usr/bin:{Environment.GetEnvironmentVariable("PATH")}", discoverySeconds: 300, metricsSeconds: 30));
        }

        return lab;
    }

    /// <summary>Runs a verb of the lab; gives what it prints.</summary>
    public Task<string> Verb(params string[] arguments) => LabProgram.Run(Lab, arguments);

    /// <summary>Shuts all containers down, as their hosts' own <c>pct</c> does it.</summary>
    public async Task ShutDownContainers()
    {
        foreach (var host in hosts)
        {
            foreach (var row in (await Pct(host, "list")).Split('\n').Skip(1).Where(row => row.Contains(" running ", StringComparison.Ordinal)))
            {
                await Pct(host, "shutdown", row.Split(' ', StringSplitOptions.RemoveEmptyEntries)[0]);
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var agent in agents)
        {
            await agent.DisposeAsync();
        }

        await Verb("down");
        Directory.Delete(directory, recursive: true);
    }

    private string Root(string host) => Path.Combine(Lab, "hosts", host);

    private async Task<string> Pct(string host, params string[] arguments)
    {
        using var pct = Process.Start(new ProcessStartInfo($"{Root(host)}/usr/sbin/pct", arguments) { RedirectStandardOutput = true })!;
        var printed = await pct.StandardOutput.ReadToEndAsync();
        await pct.WaitForExitAsync();
        return pct.ExitCode is 0 ? printed : throw new InvalidOperationException($"pct {string.Join(' ', arguments)} of {host} exited with {pct.ExitCode}.");
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
