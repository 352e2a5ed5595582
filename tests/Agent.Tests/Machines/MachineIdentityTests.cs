using CsCheck;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Machines;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Agent.Tests.Machines;

public sealed class MachineIdentityTests : IDisposable
{
    private const string Id = "0123456789abcdef0123456789abcdef";
    private readonly LabHost machine = LabHost.Machine();

    public void Dispose() => machine.Dispose();

    [Fact]
    public void A_machine_is_told_by_its_ids_and_named_by_its_host_name()
    {
        var identity = MachineIdentity.Read(machine.Host);
        Assert.Equal(("web-01.example.org", "web-01.example.org", "web-01"), (identity.Hostname, identity.ClusterName, identity.Node.Value));

        // Written down: another result would make every registered machine another one.
        Assert.Equal("m676fae0af1caccd8", identity.Cluster.Value);
        Assert.True(identity.Cluster.IsMachine);
        Assert.DoesNotContain("0123456789", identity.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_copy_with_another_SMBIOS_uuid_or_machine_id_is_another_machine()
    {
        var original = MachineIdentity.Read(machine.Host).Cluster;
        machine.Write("sys/class/dmi/id/product_uuid", "4c4c4544-0000-0000-0000-000000000002\n");
        var copy = MachineIdentity.Read(machine.Host).Cluster;
        machine.Write("sys/class/dmi/id/product_uuid", "4c4c4544-0000-0000-0000-000000000001\n"); // however it is spelled
        Assert.Equal(original, MachineIdentity.Read(machine.Host).Cluster);
        machine.Write("etc/machine-id", new string('1', 32));
        Assert.Equal(3, new HashSet<ClusterId> { original, copy, MachineIdentity.Read(machine.Host).Cluster }.Count);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Not Settable\n")]
    [InlineData("00000000-0000-0000-0000-000000000000\n")]
    [InlineData("ffffffff-ffff-ffff-ffff-ffffffffffff\n")]
    public void Firmware_without_a_uuid_is_firmware_without_a_uuid(string? uuid)
    {
        if (uuid is null)
        {
            Directory.Delete(Path.Combine(machine.Directory, "sys"), recursive: true);
        }
        else
        {
            machine.Write("sys/class/dmi/id/product_uuid", uuid);
        }

        Assert.Equal(MachineIdentity.ClusterOf(Id, null), MachineIdentity.Read(machine.Host).Cluster);
    }

    [Theory]
    [InlineData(null, "is missing or empty")]
    [InlineData("", "is missing or empty")]
    [InlineData("uninitialized\n", "is missing or empty")]
    [InlineData("0123456789ABCDEF0123456789abcdef\n", "does not hold 32 hex digits")]
    [InlineData("00000000000000000000000000000000\n", "does not hold 32 hex digits")]
    [InlineData("0123456789abcdef\n", "does not hold 32 hex digits")]
    public void A_machine_without_an_id_is_told_what_to_do(string? id, string message)
    {
        if (id is null)
        {
            File.Delete(Path.Combine(machine.Directory, "etc/machine-id"));
        }
        else
        {
            machine.Write("etc/machine-id", id);
        }

        var error = Assert.Throws<UnreadableException>(() => MachineIdentity.Read(machine.Host));
        Assert.Contains("/etc/machine-id " + message, error.Message, StringComparison.Ordinal);
        Assert.Contains("systemd-machine-id-setup", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("web-01", "web-01")]
    [InlineData("web-01.example.org", "web-01")]
    [InlineData("Büro_PC", "B-ro-PC")]
    [InlineData("-x-", "x")]
    [InlineData("___", "machine")]
    [InlineData("", "machine")]
    [InlineData(".local", "machine")]
    public void A_host_name_becomes_a_node_name(string hostname, string node) => Assert.Equal(node, MachineIdentity.NodeOf(hostname).Value);

    [Fact]
    public void Any_host_name_becomes_a_node_name() =>
        Gen.String.Sample(hostname => Assert.True(NodeName.TryParse(MachineIdentity.NodeOf(hostname + new string('x', hostname.Length % 90)).Value, null, out _)));
}
