using System.Text.Json;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Tests.Jobs;

/// <summary>Restarts and checks from the server's word to the server's word.</summary>
public sealed class OtherKindsTests : IAsyncLifetime
{
    private readonly LabHost host = new();
    private ControlPlane server = null!;

    public async ValueTask InitializeAsync()
    {
        server = await ControlPlane.Start();
        host.WriteFacts();
        RunningAgent.Register(host, server);
    }

    public async ValueTask DisposeAsync()
    {
        await server.DisposeAsync();
        host.Dispose();
    }

    [Fact]
    public async Task A_host_reboot_is_begun_by_one_agent_and_reported_by_the_next()
    {
        host.Command("systemctl", "echo \"$*\" >> $root/systemctl.calls");
        var job = new RebootHost(Id(1), 600);
        await using (var first = RunningAgent.On(host))
        {
            await server.NextInventory();
            await server.Send(job);
            await Eventually.Until(() => host.Calls("systemctl") is 1, "systemctl");
            Assert.Equal(0, await first.Stop());
        }

        host.Write("proc/sys/kernel/random/boot_id", "5f0cbd1e-9d07-4f6c-8b6d-222222222222\n");
        await using var second = RunningAgent.On(host);
        var report = await server.NextEnd("the restart's report");
        Assert.Equal((job.Id, JobOutcome.Succeeded, "came back with kernel 6.17.4-1-pve"), (report.Id, report.Outcome, report.Detail));

        await server.Send(job); // as after an acknowledgement that got lost
        Assert.Equal(JobOutcome.AlreadyReported, (await server.NextEnd("the answer to its second coming")).Outcome);
        Assert.Equal(1, host.Calls("systemctl"));
    }

    [Fact]
    public async Task The_checks_arrive_as_the_reports_output()
    {
        await using var agent = RunningAgent.On(host);
        await server.NextInventory();
        await server.Send(new Diagnose(Id(1), 600, new Vmid(100)));
        var report = await server.NextEnd("the checks");
        Assert.Equal(JobOutcome.Succeeded, report.Outcome);
        var check = Assert.Single(JsonSerializer.Deserialize(report.StandardOutput, ProtocolJson.Default.Diagnosis)!.Checks);
        Assert.Equal(("node", CheckResult.Problem, "guest 100 is not on this node"), (check.Name, check.Result, check.Message));
    }

    [Fact]
    public async Task A_guests_reboot_that_may_not_be_is_refused_with_the_reason()
    {
        host.Container(100, "lock: backup\n");
        await using var agent = RunningAgent.On(host);
        await server.NextInventory();
        await server.Send(new RebootGuest(Id(1), 600, new Vmid(100)));
        var report = await server.NextEnd("the refusal");
        Assert.Equal((JobOutcome.Failed, "container is locked (backup)"), (report.Outcome, report.Detail));
    }

    [Fact]
    public async Task Maintenance_mode_is_asked_for_and_a_migration_out_of_no_cluster_refused()
    {
        host.Container(100);
        host.Command("ha-manager", "echo \"$*\" >> $root/ha-manager.calls");
        await using var agent = RunningAgent.On(host);
        await server.NextInventory();
        await server.Send(new SetMaintenance(Id(1), 600, NodeName.Parse("pve1"), On: true));
        Assert.Equal(JobOutcome.Succeeded, (await server.NextEnd("the answer of HA")).Outcome);
        Assert.Equal("crm-command node-maintenance enable pve1\n", host.Read("ha-manager.calls"));

        await server.Send(new MigrateGuest(Id(2), 600, new Vmid(100), NodeName.Parse("pve2")));
        var report = await server.NextEnd("the refusal");
        Assert.Equal((JobOutcome.Failed, "the cluster has no node pve2"), (report.Outcome, report.Detail));
    }

    private static JobId Id(int number) => JobId.Parse(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"01JDMT2Q4N{number:D16}"));
}
