namespace NannyOrleans.EndToEnd.Tests;

/// <summary>
/// A VM patched through its QEMU guest agent. The lab's VM is no virtual machine: its inside is a container, <c>qm</c> answers as Proxmox VE's;
/// apt, dpkg and all that the agent does are real.
/// </summary>
[Collection("one lab")] // one after the other: they stop and kill what they share
public sealed class VmPatchTests(Cluster cluster)
{
    private const int Vm = 201;
    private const string Id = "qemu-201";
    private const string Host = "pve2";
    private const string Files = "/var/lib/nannyagent-jobs";

    [Fact]
    public async Task A_VM_is_patched_only_if_that_is_allowed_and_then_once_even_if_the_agent_is_killed_meanwhile()
    {
        Cluster.NeedContainers();
        await Running();
        var (status, refused) = await cluster.Server.Patch(Id, "apply");
        Assert.Equal((409, "requires-agent"), (status, (string?)refused["code"]));
        Assert.Contains("agentless_vm", (string?)refused["detail"]);
        Assert.Contains("risks of corruption or state inconsistency", (string?)refused["detail"]);

        try
        {
            await Allow("true");
            Assert.Contains("not recommended", (string?)(await cluster.Agent(Id))["agentless_vm_warning"]);
            var dryRun = await cluster.Server.PatchToEnd(Id, "dry-run");
            Assert.True((string?)dryRun["status"] is "succeeded", dryRun.ToJsonString());
            Assert.Equal(
                ["lab-db (8.0.32 → 8.0.35)", "lab-slow (1.0 → 1.1)", "lab-tls (3.0.2 → 3.0.13)", "lab-web (1.18.0 → 1.24.0)"], PatchingTests.Texts(dryRun["packages_to_upgrade"]));
            Assert.Equal(LabCluster.Old, await cluster.Lab.VmVersions(Vm));

            await cluster.Lab.InsideVm(Vm, "sh", "-c", "echo 3 > /etc/lab-slow.seconds");
            var id = await cluster.Server.StartPatch(Id, "apply", "lab-w*");
            await cluster.Server.Operation(id, "running");
            await cluster.Lab.KillAgent(Host);
            cluster.Lab.StartAgent(Host);
            var apply = await cluster.Server.Operation(id, "succeeded", "failed", "interrupted");
            Assert.True((string?)apply["status"] is "succeeded", apply.ToJsonString());
            Assert.Equal(["lab-db", "lab-slow", "lab-tls"], PatchingTests.Texts(apply["packages_upgraded"]));
            Assert.Equal(["lab-web"], PatchingTests.Texts(apply["packages_held"]));
            Assert.Contains("Setting up lab-db", (string?)apply["stderr"]);
            Assert.Equal(new(LabCluster.New) { ["lab-web"] = LabCluster.Old["lab-web"] }, await cluster.Lab.VmVersions(Vm));
            Assert.Single((await cluster.Lab.InsideVm(Vm, "cat", "/var/log/dpkg.log")).Split('\n'), line => line.Contains(" upgrade lab-db:", StringComparison.Ordinal));
            await cluster.Server.Until(() => cluster.Lab.InsideVm(Vm, "ls", Files), left => left.Length is 0, "the job's files in the VM to be removed");
        }
        finally
        {
            await Allow("null");
        }

        Assert.Equal(409, (await cluster.Server.Patch(Id, "dry-run")).Status);
    }

    [Theory]
    [InlineData("silent", "guest-agent-silent", "the QEMU guest agent is not running in the VM; install and start qemu-guest-agent there")]
    [InlineData("off", "vm-not-running", "the VM is not running")]
    public async Task A_VM_that_nobody_can_work_in_is_a_failed_operation_with_what_to_do(string state, string code, string message)
    {
        Cluster.NeedContainers();
        await Running();
        await cluster.Lab.Verb("vm", $"{Vm}", state);
        try
        {
            await Allow("true");
            var operation = await cluster.Server.PatchToEnd(Id, "apply");
            Assert.Equal(("failed", code, message), ((string?)operation["status"], (string?)operation["failure"]!["code"], (string?)operation["failure"]!["message"]));
            Assert.Null(operation["started_at"]);
        }
        finally
        {
            await Allow("null");
            await cluster.Lab.Verb("vm", $"{Vm}", "on");
        }
    }

    private async Task Running()
    {
        await cluster.Lab.Verb("vm", $"{Vm}", "on");
        await cluster.Server.Until(() => cluster.Agent(Host), row => (string?)row["status"] is "online", $"{Host} to be online"); // another test may just have restarted it
    }

    // What a VM runs is not discovered: whoever allows it says the family, too.
    private Task Allow(string allowed) => cluster.Server.PatchAgent(Id, $$"""{"agentless_vm":{{allowed}},"platform_family":{{(allowed is "true" ? "\"debian\"" : "null")}}}""");
}
