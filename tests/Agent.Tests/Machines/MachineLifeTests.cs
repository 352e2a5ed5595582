using System.Globalization;
using NannyOrleans.Agent.Commands;
using NannyOrleans.Agent.Connection;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Tests.Machines;

/// <summary>The agent on a machine outside Proxmox VE, from its registration on.</summary>
public sealed class MachineLifeTests : IAsyncLifetime
{
    private readonly LabHost machine = LabHost.Machine();
    private readonly StringWriter output = new(CultureInfo.InvariantCulture);
    private readonly StringWriter error = new(CultureInfo.InvariantCulture);
    private ControlPlane server = null!;

    public async ValueTask InitializeAsync() => server = await ControlPlane.Start();

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        machine.Dispose();
    }

    [Fact]
    public async Task It_registers_as_a_machine_and_then_runs()
    {
        server.DeviceAnswer = """{"device_code":"d","user_code":"WDJB-MJHT","verification_uri":"http://here/device","expires_in":600,"interval":1}""";
        server.Tokens = _ => (200, $$"""{"access_token":"access","token_type":"Bearer","expires_in":3600,"refresh_token":"refresh","agent_id":"{{RunningAgent.AgentUlid}}",{{SigningKeys.Json}}}""");
        machine.Write("etc/nannyagent/config.yml", $"api_url: {server.Url}\n");
        Assert.Equal(0, await Run("register"));

        var asked = server.DeviceRequest!;
        Assert.Equal(("web-01.example.org", "web-01", "web-01.example.org"), (asked["hostname"], asked["node"], asked["cluster_name"]));
        Assert.Matches("^m[0-9a-f]{16}$", asked["cluster"]);
        Assert.DoesNotContain(asked.Values, value => value.Contains("0123456789abcdef", StringComparison.Ordinal));
        Assert.Contains("Registering machine web-01.example.org (m", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("No Proxmox VE host, but a machine of its own: neither", output.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("cluster", output.ToString(), StringComparison.Ordinal);

        await using var agent = RunningAgent.On(machine);
        Assert.Equal(asked["cluster"], (await server.NextInventory()).ClusterId!.Value.Value);
    }

    [Theory]
    [InlineData("")]
    [InlineData("proxmox_mode: false\n")]
    public async Task It_says_what_it_is_and_measures_itself(string config)
    {
        Register();
        File.AppendAllText(Path.Combine(machine.Directory, "etc/nannyagent/config.yml"), config);
        await using var agent = RunningAgent.On(machine);
        var inventory = await server.NextInventory();
        Assert.Equal(("web-01.example.org", "web-01"), (inventory.Hostname, inventory.Node!.Value.Value));
        Assert.True(inventory.ClusterId!.Value.IsMachine);
        Assert.Null(inventory.Cluster);
        Assert.Null(inventory.PveVersion);
        Assert.Null(inventory.Fingerprint);
        Assert.Null(inventory.Since);
        Assert.Empty(inventory.Guests!);
        Assert.Equal("4c4c4544-0000-0000-0000-000000000001", inventory.Host!.SmbiosUuid);

        var metrics = await server.NextMetrics();
        Assert.Equal(0.5, metrics.Load!.One);
        Assert.Null(metrics.Guests);
        Assert.Null(metrics.Storages);
        Assert.Equal(0, await agent.Stop());
    }

    [Fact]
    public async Task A_new_look_is_whole_again()
    {
        Register();
        await using var agent = RunningAgent.On(machine);
        await server.NextInventory();
        await server.Ask(new(null));
        Assert.Null((await server.NextInventory()).Since);
    }

    [Fact]
    public async Task A_host_name_that_changed_does_not_matter()
    {
        Register();
        machine.Write("etc/hostname", "web-02\n");
        await using var agent = RunningAgent.On(machine);
        var inventory = await server.NextInventory();
        Assert.Equal(("web-02", "web-01"), (inventory.Hostname, inventory.Node!.Value.Value));
    }

    [Fact]
    public async Task A_copy_of_a_registered_machine_does_not_run()
    {
        Register();
        machine.Write("sys/class/dmi/id/product_uuid", "4c4c4544-0000-0000-0000-000000000002\n");
        Assert.Equal(1, await Run("run"));
        Assert.Contains("this one is a copy of it", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("Run: nannyagent register", error.ToString(), StringComparison.Ordinal);
        Assert.Equal(0, server.Connected);
    }

    [Theory]
    [InlineData("register")]
    [InlineData("run")]
    public async Task A_machine_without_an_id_neither_registers_nor_runs(string command)
    {
        Register();
        File.Delete(Path.Combine(machine.Directory, "etc/machine-id"));
        Assert.Equal(1, await Run(command));
        Assert.Contains("systemd-machine-id-setup", error.ToString(), StringComparison.Ordinal);
        Assert.Equal(0, server.Connected);
    }

    [Fact]
    public async Task A_machine_that_became_a_Proxmox_host_has_to_register_anew()
    {
        Register();
        using var host = new LabHost();
        host.Write("etc/nannyagent/config.yml", $"api_url: {server.Url}\n");
        Credentials.Load(machine.Host)!.Save(host.Host);
        Assert.Equal(1, await AgentCommands.Run(["--root", host.Directory, "run"], host.SearchPath, output, error, default).Within("the command"));
        Assert.Contains("This host is node pve1 of cluster c", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Patching_a_container_is_refused_and_says_why()
    {
        Register();
        await using var agent = RunningAgent.On(machine);
        await server.NextInventory();
        await server.Send(RunningAgent.Job(server.Script("apt-update.sh", "exit 0\n")));
        var end = await server.NextEnd("the refusal");
        Assert.Equal((JobOutcome.Failed, "this machine is no Proxmox VE host and has no container 100; only the host that runs it can patch it"), (end.Outcome, end.Detail));
        Assert.Equal(0, server.ScriptRequests);
    }

    [Fact]
    public async Task Status_says_which_of_both_it_is()
    {
        Assert.Equal(1, await Run("status"));
        Assert.Contains("proxmox:    not detected: neither", output.ToString(), StringComparison.Ordinal);
        Assert.Contains("machine:    web-01.example.org, id m", output.ToString(), StringComparison.Ordinal);
        Register();
        File.AppendAllText(Path.Combine(machine.Directory, "etc/nannyagent/config.yml"), "proxmox_mode: false\n");
        Assert.Equal(0, await Run("status"));
        Assert.Contains("proxmox:    not looked for: proxmox_mode is false", output.ToString(), StringComparison.Ordinal);
        Assert.Contains(", machine web-01, id m", output.ToString(), StringComparison.Ordinal);
        File.Delete(Path.Combine(machine.Directory, "etc/machine-id"));
        await Run("status");
        Assert.Contains("machine:    unknown: ", output.ToString(), StringComparison.Ordinal);
    }

    private void Register() => RunningAgent.Register(machine, server);

    private Task<int> Run(string command) =>
        AgentCommands.Run(["--root", machine.Directory, command], machine.SearchPath, output, error, default).Within("the command");
}
