using System.Globalization;
using NannyOrleans.Agent.Commands;
using NannyOrleans.Agent.Tests.Support;

namespace NannyOrleans.Agent.Tests.Commands;

public sealed class AgentCommandsTests : IAsyncLifetime
{
    private readonly LabHost host = new();
    private readonly StringWriter output = new(CultureInfo.InvariantCulture);
    private readonly StringWriter error = new(CultureInfo.InvariantCulture);
    private ControlPlane server = null!;

    public async ValueTask InitializeAsync() => server = await ControlPlane.Start();

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        host.Dispose();
    }

    [Theory]
    [InlineData("")]
    [InlineData("dance")]
    [InlineData("run --fast")]
    [InlineData("register --api-url")]
    [InlineData("register --api-url nanny")]
    public async Task Wrong_usage_is_2(string line) => Assert.Equal(2, await Run(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)));

    [Theory]
    [InlineData("--help")]
    [InlineData("--version")]
    [InlineData("run --help")]
    public async Task Questions_are_answered(string line)
    {
        Assert.Equal(0, await AgentCommands.Run(line.Split(' '), host.SearchPath, output, error, default));
        Assert.NotEmpty(output.ToString());
    }

    [Fact]
    public async Task A_broken_configuration_is_2_and_says_where()
    {
        host.Write("etc/nannyagent/config.yml", "api_url: https://x\ncolour: blue\n");
        Assert.Equal(2, await Run("run"));
        Assert.Contains("/etc/nannyagent/config.yml:2:9: colour: there is no such key", error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("run")]
    [InlineData("register")]
    public async Task Proxmox_mode_true_on_a_machine_that_is_no_Proxmox_host_is_2(string command)
    {
        host.Write("etc/nannyagent/config.yml", "api_url: https://x\nproxmox_mode: true\n");
        File.Delete(Path.Combine(host.Bin, "pct"));
        Assert.Equal(2, await Run(command));
        Assert.Contains("proxmox_mode is true, but this is no Proxmox VE host: neither", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_registered_node_that_lost_its_Proxmox_is_not_taken_for_a_machine()
    {
        RunningAgent.Register(host, server);
        host.Write("etc/machine-id", "0123456789abcdef0123456789abcdef\n");
        File.Delete(Path.Combine(host.Bin, "pct"));
        Assert.Equal(1, await Run("run"));
        Assert.Contains("was registered as node pve1 of cluster c", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("is no Proxmox VE host now: neither", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_unregistered_host_is_told_how_to_register()
    {
        host.Write("etc/nannyagent/config.yml", "api_url: https://nanny.example.com\n");
        Assert.Equal(1, await Run("run"));
        Assert.Contains("nannyagent register --api-url https://nanny.example.com", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_server_in_the_configuration_is_1()
    {
        RunningAgent.Register(host, server);
        host.Write("etc/nannyagent/config.yml", "api_url: https://nanny.example.com\n");
        Assert.Equal(1, await Run("run"));
        Assert.Contains("the configuration says https://nanny.example.com", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_that_became_another_is_not_taken_for_the_old_one()
    {
        RunningAgent.Register(host, server);
        host.Write("etc/hostname", "pve2");
        Directory.Move(Path.Combine(host.Directory, "etc/pve/nodes/pve1"), Path.Combine(host.Directory, "etc/pve/nodes/pve2"));
        Assert.Equal(1, await Run("run"));
        Assert.Contains("but was registered as node pve1", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_one_agent_runs_on_a_host()
    {
        RunningAgent.Register(host, server);
        await using var first = RunningAgent.On(host);
        await server.NextInventory();
        Assert.Equal(1, await Run("run"));
        Assert.Contains("Another nannyagent already runs", error.ToString(), StringComparison.Ordinal);
        Assert.Equal(0, await first.Stop());
    }

    [Fact]
    public async Task Status_of_an_unregistered_host_is_1()
    {
        Assert.Equal(1, await Run("status"));
        Assert.Contains("registered: no", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("proxmox:    detected", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("node:       pve1", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Status_of_a_registered_host_is_0()
    {
        RunningAgent.Register(host, server);
        Assert.Equal(0, await Run("status"));
        Assert.Contains($"registered: yes, as agent {RunningAgent.AgentUlid}", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("jobs:       none", output.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("refresh-1", output.ToString(), StringComparison.Ordinal);
    }

    private Task<int> Run(params string[] arguments) => AgentCommands.Run(["--root", host.Directory, .. arguments], host.SearchPath, output, error, default).Within("the command");
}
