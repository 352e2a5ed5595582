using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Agent.Tests.Proxmox;

public sealed class StorageCfgTests
{
    private static IReadOnlyList<StorageCfg> Parse(string text) => StorageCfg.Parse(text, NodeName.Parse("pve1"));

    [Fact]
    public void Reads_what_the_node_has()
    {
        var found = Parse("""
            dir: local
            	path /var/lib/vz
            	content vztmpl,iso

            zfspool: tank
            	pool rpool/data/x
              content rootdir
            	disable
            # a comment
            lvm: san
            	vgname v
            	shared 1
            	nodes pve2,pve1

            nfs: elsewhere
            	nodes pve2
            rbd: ceph
            	pool vms
            	shared 0
            """);
        Assert.Equal(["local dir False False ", "tank zfspool False True rpool", "san lvm True False ", "ceph rbd True False "],
            found.Select(one => $"{one.Name} {one.Type} {one.Shared} {one.Disabled} {one.Pool}"));
        Assert.Equal(["iso", "vztmpl"], found[0].Content);
        Assert.Empty(found[2].Content);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\tpath /x\n")]
    [InlineData("nonsense\n\tpath /x\n")]
    [InlineData(": x\n")]
    [InlineData("dir:\n")]
    public void Other_text_has_no_storages(string text) => Assert.Empty(Parse(text));
}
