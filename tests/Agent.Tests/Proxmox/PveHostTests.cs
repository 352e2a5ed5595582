using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Agent.Tests.Support;

namespace NannyOrleans.Agent.Tests.Proxmox;

public sealed class PveHostTests : IDisposable
{
    private readonly LabHost host = new();

    public void Dispose() => host.Dispose();

    private PveHost Pve => new(host.Host, new BoundedReads(Eventually.Limit));

    [Fact]
    public async Task A_host_knows_its_node_and_cluster()
    {
        host.Write("etc/hostname", "pve1.example.com\n");
        var identity = await Pve.Identity(default);
        Assert.Equal(("pve1.example.com", "pve1", "pve1"), (identity.Hostname, identity.Node.Value, identity.ClusterName));
        using var certificate = X509Certificate2.CreateFromPem(host.Read("etc/pve/pve-root-ca.pem"));
        using var key = certificate.GetECDsaPublicKey()!;
        Assert.Equal($"c{Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo()))[..16]}", identity.Cluster.Value);
    }

    [Fact]
    public async Task The_clusters_name_is_pmxcfs()
    {
        host.Write("etc/pve/.members", Fixture.Read("members.three.json"));
        Assert.Equal("prod", (await Pve.Identity(default)).ClusterName);
    }

    [Theory]
    [InlineData("other\n", "the host name is not a node of this cluster")]
    [InlineData("-\n", "does not begin with a Proxmox node name")]
    public async Task A_name_that_is_no_node_is_said(string hostname, string reason)
    {
        host.Write("etc/hostname", hostname);
        Assert.Contains(reason, (await Assert.ThrowsAsync<UnreadableException>(() => Pve.Identity(default))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_empty_mount_point_is_a_stopped_pmxcfs()
    {
        Directory.Delete(Path.Combine(host.Directory, "etc/pve"), recursive: true);
        Directory.CreateDirectory(Path.Combine(host.Directory, "etc/pve"));
        Assert.Null(await Pve.WhyNot(default));
        Assert.Contains("pmxcfs (service pve-cluster) is not running", (await Assert.ThrowsAsync<UnreadableException>(() => Pve.Identity(default))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("usr/sbin/pct")]
    [InlineData("usr/sbin/qm")]
    [InlineData("etc/pve")]
    public async Task A_machine_without_one_of_the_three_is_no_Proxmox_host(string missing)
    {
        Directory.Move(Path.Combine(host.Directory, missing), Path.Combine(host.Directory, "gone"));
        Assert.NotNull(await Pve.WhyNot(default));
    }

    [Fact]
    public async Task Commands_may_be_in_usr_bin()
    {
        Directory.CreateDirectory(Path.Combine(host.Directory, "usr/bin"));
        File.Move(Path.Combine(host.Bin, "pct"), Path.Combine(host.Directory, "usr/bin/pct"));
        Assert.Null(await Pve.WhyNot(default));
    }
}
