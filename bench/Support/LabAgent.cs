using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace NannyOrleans.Bench;

/// <summary>The native agent on a lab's host, registered with a server.</summary>
internal sealed partial class LabAgent : IAsyncDisposable
{
    private readonly Process process;

    private LabAgent(Process process) => this.process = process;

    /// <summary>Its process.</summary>
    public int Pid => process.Id;

    /// <summary>Registers one and starts it.</summary>
    /// <param name="server">Its server.</param>
    /// <param name="root">The host's root directory.</param>
    /// <param name="searchPath">Where it finds the host's commands.</param>
    /// <param name="discoverySeconds">Its <c>guest_discovery_interval</c>.</param>
    /// <param name="metricsSeconds">Its <c>metrics_interval</c>.</param>
    public static async Task<LabAgent> Start(BenchServer server, string root, string searchPath, int discoverySeconds, int metricsSeconds)
    {
        Directory.CreateDirectory($"{root}/etc/nannyagent");
        await File.WriteAllTextAsync($"{root}/etc/nannyagent/config.yml", string.Create(CultureInfo.InvariantCulture,
            $"api_url: {server.Url}\nproxmox_mode: true\nguest_discovery_interval: {discoverySeconds}\nmetrics_interval: {metricsSeconds}\n"));
        using (var register = Run(root, searchPath, ["register", "--api-url", server.Url.ToString()], quiet: false))
        {
            while (await register.StandardOutput.ReadLineAsync() is { } line)
            {
                if (Code().Match(line) is { Success: true } shown)
                {
                    await server.Approve(shown.Groups[1].Value);
                }
            }

            await register.WaitForExitAsync();
            if (register.ExitCode is not 0)
            {
                throw new InvalidOperationException("The agent could not register.");
            }
        }

        var agent = Run(root, searchPath, ["run"], quiet: true);
        _ = agent.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
        _ = agent.StandardError.BaseStream.CopyToAsync(Stream.Null);
        return new(agent);
    }

    public async ValueTask DisposeAsync()
    {
        process.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        process.Dispose();
    }

    private static Process Run(string root, string searchPath, IEnumerable<string> arguments, bool quiet) => Launcher.Start(new ProcessStartInfo(
        "setpriv", ["--pdeathsig", "KILL", $"{BenchServer.Repository}/artifacts/agent/nannyagent", "--root", root, .. arguments])
    {
        WorkingDirectory = "/",
        RedirectStandardOutput = true,
        RedirectStandardError = quiet,
        Environment = { ["PATH"] = searchPath },
    });

    [GeneratedRegex("^  code: +([A-Z-]+)$")]
    private static partial Regex Code();
}
