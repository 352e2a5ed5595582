using System.Text;
using CsCheck;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Agent.Tests.Proxmox;

public sealed class RrdFileTests
{
    private const string Before9 = """
        pve2-node/pve1:123456::1764000000:4:0.5:8:0.1:0.01:16777216:8388608:0:0:1000000:500000:1:2
        pve2-storage/pve1/local:1764000000:100000:40000
        pve2-storage/pve1/local-zfs:1764000001:200000:U
        pve2-storage/pve2/local:1764000002:7:7
        pve2.3-vm/100:3600:web-01:running:0:1764000000:2:0.03:536870912:104857600:8589934592:1073741824:1:2:3:4
        pve2.3-vm/200:0:win:stopped:0:1764000000:4:U:4294967296:0:34359738368:0:0:0:0:0
        """;

    private const string Release9 = """
        pve-node-9.0/pve1:123456::1764000000:4:0.5:8:0.1:0.01:16777216:8388608:0:0:1000000:500000:1:2:3:4:5:6
        pve-storage-9.0/pve1/local:1764000000:100000:40000
        pve-storage-9.0/pve1/local-zfs:1764000001:200000:U
        pve-storage-9.0/pve2/local:1764000002:7:7
        pve-vm-9.0/100:3600:web-01:running:0:1764000000:2:0.03:536870912:104857600:8589934592:1073741824:1:2:3:4:99:U:U
        pve-vm-9.0/200:0:win:stopped:0:1764000000:4:U:4294967296:0:34359738368:0:0:0:0:0:0:U:U
        """;

    private static readonly NodeName Node = NodeName.Parse("pve1");

    [Theory]
    [InlineData(Before9)]
    [InlineData(Release9)]
    public void Both_generations_of_keys_say_the_same(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var storages = RrdFile.Storages(bytes, Node);
        Assert.Equal(2, storages.Count);
        Assert.Equal(new(1764000000, 100000, 40000), storages["local"]);
        Assert.Equal(new(1764000001, 200000, null), storages["local-zfs"]);
        var guests = RrdFile.Guests(bytes);
        Assert.Equal(2, guests.Count);
        Assert.Equal(new(1764000000, 3600, "running", 536870912, 104857600), guests[new Vmid(100)]);
        Assert.Equal(new(1764000000, 0, "stopped", 4294967296, 0), guests[new Vmid(200)]);
    }

    [Theory]
    [InlineData("pve2.3-vm/100:1:a:paused:0:20:\npve-vm-9.0/100:1:a:running:0:10:")]
    [InlineData("pve-vm-9.0/100:1:a:running:0:10:\npve2.3-vm/100:1:a:paused:0:20:")]
    public void Of_two_lines_for_one_guest_the_later_one_counts(string text) =>
        Assert.Equal("paused", RrdFile.Guests(Encoding.UTF8.GetBytes(text))[new Vmid(100)].Status);

    [Theory]
    [InlineData("pve2-storage/pve1/local")]
    [InlineData("pve2-storage/pve1/local:")]
    [InlineData("pve2-storage/pve1/:1:2:3")]
    [InlineData("pve2-storage/pve11/local:1:2:3")] // another node whose name begins alike
    [InlineData("pve2-storage/local:1:2:3")]
    [InlineData("pve2-storages/pve1/local:1:2:3")]
    [InlineData("pve-storage-x/pve1/local:1:2:3")]
    [InlineData("xpve2-storage/pve1/local:1:2:3")]
    [InlineData("pve2.3-vm/99:1:a:running:0:10:")]
    [InlineData("pve2.3-vm/100:1:a:running:0")]
    [InlineData("pve2.3-vm/1000000000:1:a:running:0:10:")]
    public void A_broken_line_is_no_line(string line)
    {
        var bytes = Encoding.UTF8.GetBytes(line);
        Assert.Empty(RrdFile.Storages(bytes, Node));
        Assert.Empty(RrdFile.Guests(bytes));
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("U")]
    [InlineData("")]
    [InlineData("1e300")]
    [InlineData("NaN")]
    [InlineData("0x10")]
    public void A_figure_that_is_none_is_null_not_zero(string figure) =>
        Assert.Equal(new(1, null, 3), RrdFile.Storages(Encoding.UTF8.GetBytes($"pve2-storage/pve1/local:1:{figure}:3"), Node)["local"]);

    [Fact]
    public void Perls_large_numbers_are_numbers() =>
        Assert.Equal(1_500_000_000_000_000, RrdFile.Storages("pve2-storage/pve1/local:1:1.5e+15:3"u8, Node)["local"].TotalBytes);

    [Fact]
    public void Control_characters_do_not_come_through() =>
        Assert.DoesNotContain('\u001b', Assert.Single(RrdFile.Storages("pve2-storage/pve1/lo\u001b[2Jcal:1:2:3"u8, Node)).Key);

    [Fact]
    public void A_gigantic_name_is_no_name() =>
        Assert.Empty(RrdFile.Storages(Encoding.UTF8.GetBytes($"pve2-storage/pve1/{new string('x', 10_000_000)}:1:2:3"), Node));

    [Fact]
    public void Any_bytes_are_survived_and_no_figure_is_below_zero() => Gen.OneOf(
            Gen.Byte.Array[0, 400],
            Gen.OneOf("pve2-storage/pve1/", "pve-vm-9.0/100", "pve2.3-vm/", ":", "U", "-5", "1e400", "12", "\n", "a", "\0", "ä").Array[0, 60].Select(parts => Encoding.UTF8.GetBytes(string.Concat(parts))))
        .Sample(bytes =>
        {
            Assert.All(RrdFile.Storages(bytes, Node).Values, storage => Assert.True(storage is { TotalBytes: not < 0, UsedBytes: not < 0, At: >= 0 }));
            Assert.All(RrdFile.Guests(bytes).Values, guest => Assert.True(guest is { MaxMemoryBytes: not < 0, MemoryBytes: not < 0, UptimeSeconds: not < 0 }));
        });
}
