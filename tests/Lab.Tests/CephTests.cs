using System.Text.Json.Nodes;

namespace NannyOrleans.Lab.Tests;

/// <summary>Ceph's health follows from what is set, from flags, and from the hosts.</summary>
public sealed class CephTests
{
    [Fact]
    public async Task Flags_and_hosts_that_are_off_are_warnings_of_their_own()
    {
        var plan = Path.GetTempFileName();
        await File.WriteAllTextAsync(plan, "host 1 pve1 10.99.0.11\nhost 2 pve2 10.99.0.12\nhost 3 pve3 10.99.0.13\nceph HEALTH_OK\n");
        await using var lab = await LabUnderTest.Up("--simulated", "--plan", plan);
        File.Delete(plan);
        Assert.Equal("HEALTH_OK\n", await lab.Must("pve1", "ceph health"));
        for (var again = 0; again < 2; again++)
        {
            var set = await lab.Run("pve1", "ceph osd set noout");
            Assert.Equal((0, "noout is set\n"), (set.ExitCode, set.StandardError));
        }

        Assert.Equal(("HEALTH_WARN", "OSDMAP_FLAGS"), await Health(lab, "pve2"));
        Assert.Contains("noout", JsonNode.Parse(await lab.Must("pve3", "ceph osd dump --format json"))!["flags_set"]!.AsArray().Select(f => (string?)f));
        Assert.Equal("1\n", await lab.Must("pve1", "pvesh get /cluster/ceph/flags/noout --output-format json"));
        await lab.Must("pve1", "pvesh set /cluster/ceph/flags/noout --value 0");
        Assert.DoesNotContain("noout", await lab.Must("pve3", "ceph osd dump --format json"), StringComparison.Ordinal);
        Assert.Equal(22, (await lab.Run("pve1", "ceph osd set nothing")).ExitCode);

        Assert.Equal(0, (await lab.Verb("power-off", "pve3")).ExitCode);
        Assert.Equal(("HEALTH_WARN", "MON_DOWN OSD_DOWN OSD_HOST_DOWN PG_DEGRADED"), await Health(lab, "pve1"));
        var status = JsonNode.Parse(await lab.Must("pve1", "pvesh get /cluster/ceph/status --output-format json"))!;
        Assert.Equal((3, 2), ((int)status["osdmap"]!["num_osds"]!, (int)status["osdmap"]!["num_up_osds"]!));
        Assert.Equal(["pve1", "pve2"], status["quorum_names"]!.AsArray().Select(n => (string?)n));
        Assert.Equal(0, (await lab.Verb("network", "cut", "pve2")).ExitCode);
        Assert.Equal(1, (await lab.Run("pve1", "ceph status --format json")).ExitCode); // one monitor of three answers nobody
        Assert.NotEqual(0, (await lab.Run("pve1", "pvesh set /cluster/ceph/flags/noout --value 1")).ExitCode);

        foreach (var words in new string[][] { ["power-on", "pve3"], ["network", "join", "pve2"], ["ceph", "HEALTH_ERR"] }) { Assert.Equal(0, (await lab.Verb(words)).ExitCode); }
        Assert.Equal(("HEALTH_ERR", "OSD_NEARFULL"), await Health(lab, "pve1"));
    }

    [Fact]
    public async Task A_lab_without_ceph_says_so()
    {
        await using var lab = await LabUnderTest.Up("--simulated", "--hosts", "1", "--containers", "0");
        Assert.Contains("this lab has no Ceph", (await lab.Verb("ceph", "HEALTH_WARN")).StandardError, StringComparison.Ordinal);
        Assert.Contains("binary not installed", (await lab.Run("pve1", "pvesh get /cluster/ceph/flags --output-format json")).StandardError, StringComparison.Ordinal);
        Assert.False(File.Exists($"{lab.Root("pve1")}/usr/bin/ceph"));
    }

    private static async Task<(string? Status, string Checks)> Health(LabUnderTest lab, string host)
    {
        var health = JsonNode.Parse(await lab.Must(host, "ceph status --format json"))!["health"]!;
        return ((string?)health["status"], string.Join(' ', health["checks"]!.AsObject().Select(c => c.Key).Order(StringComparer.Ordinal)));
    }
}
