namespace NannyOrleans.EndToEnd.Tests;

/// <summary>What is said when a host is in trouble: never less than is known, never more.</summary>
[Collection("one lab")] // one after the other: they stop and kill what they share
public sealed class HostTroubleTests(Cluster cluster)
{
    [Fact]
    public async Task Guests_of_a_host_whose_pmxcfs_is_down_are_unknown_not_gone()
    {
        Cluster.NeedContainers();
        await cluster.Server.Until(() => cluster.Agent("pve1"), row => (string?)row["status"] is "online", "pve1 to be online"); // another test may just have restarted all
        await cluster.Lab.Verb("pmxcfs", "pve1", "stop");
        try
        {
            var guest = await cluster.Server.Until(() => cluster.Agent("lxc-101"), row => (string?)row["status"] is "unknown", "lxc-101 to be unknown");
            Assert.NotNull(guest["problem"]);
            var host = await cluster.Agent("pve1");
            Assert.Equal("online", (string?)host["status"]);
            Assert.NotEmpty(host["problems"]!.AsArray());
            Assert.Equal(3, (int?)host["guest_count"]);
        }
        finally
        {
            await cluster.Lab.Verb("pmxcfs", "pve1", "start");
        }

        await cluster.Server.Until(() => cluster.Agent("lxc-101"), row => (string?)row["status"] is "running", "lxc-101 to be running again");
    }

    [Fact]
    public async Task Power_lost_in_the_middle_of_a_job_is_interrupted_and_it_does_not_run_again()
    {
        Cluster.NeedContainers();
        await cluster.Lab.Verb("reset");
        await cluster.Lab.Inside(105, "sh", "-c", "echo 60 > /etc/lab-slow.seconds");
        var id = await cluster.Server.StartPatch("lxc-105", "apply");
        await cluster.Server.Until(
            () => cluster.Lab.Inside(105, "dpkg-query", "-W", "-f", "${db:Status-Status}", "lab-slow"), status => status is "half-configured", "lab-slow to be half installed");

        await cluster.Lab.PowerCut("pve3", id);
        var operation = await cluster.Server.Operation(id, "succeeded", "failed", "interrupted");
        Assert.Equal("interrupted", (string?)operation["status"]);
        Assert.Equal(1, await cluster.Lab.Upgrades(105, "lab-slow"));
        Assert.Null(operation["packages_upgraded"]);
    }
}
