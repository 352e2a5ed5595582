using NannyOrleans.Domain.Campaigns;
using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Tests.Campaigns;

public sealed class GuestPatchesTests
{
    private static readonly AgentId Inside = AgentId.Parse("01M83HW1FS84TGPXTCYJ4501G9");
    private static readonly CampaignOrder All = new(PatchMode.Apply, "admin") { Guests = GuestsFirst.All };

    public static TheoryData<string, GuestView, string?> Meant => new()
    {
        { "a container is patched from outside", Guest(GuestType.Lxc), "c1-lxc-100" },
        { "a VM by the agent inside it", Guest(GuestType.Qemu) with { Agent = Inside }, Inside.Value },
        { "also where it would be allowed from outside", Guest(GuestType.Qemu) with { Agent = Inside, AgentlessVm = true }, Inside.Value },
        { "through its guest agent where that is allowed", Guest(GuestType.Qemu) with { AgentlessVm = true }, "c1-qemu-100" },
        { "a VM with neither is named and left out", Guest(GuestType.Qemu), null },
    };

    public static TheoryData<string, CampaignOrder, GuestView> NotMeant => new()
    {
        { "a template never runs", All, Guest(GuestType.Lxc, template: true) },
        { "a stopped one is left alone", All, Guest(GuestType.Lxc) with { Status = GuestStatus.Stopped } },
        { "one that was deleted is gone", All, Guest(GuestType.Lxc) with { DeletedAt = DateTimeOffset.UnixEpoch } },
        { "it has another tag", All with { Guests = GuestsFirst.Tagged, GuestTag = "web" }, Guest(GuestType.Lxc) with { Tags = ["webserver"] } },
        { "none was asked for", All with { Guests = GuestsFirst.None }, Guest(GuestType.Lxc) },
    };

    [Theory]
    [MemberData(nameof(Meant))]
    public void What_runs_and_was_asked_for_is_patched_where_it_can_be(string why, GuestView guest, string? target)
    {
        foreach (var order in (CampaignOrder[])[All, All with { Guests = GuestsFirst.Tagged, GuestTag = "web" }])
        {
            var patch = Assert.Single(GuestPatches.Of(order, Node(guest with { Tags = ["web"] }))!);
            Assert.True(patch.Target == target, why);
            Assert.Equal(target is null, patch.Reason is not null);
        }
    }

    [Theory]
    [MemberData(nameof(NotMeant))]
    public void All_else_is_left_alone(string why, CampaignOrder order, GuestView guest)
    {
        Assert.NotEmpty(why);
        Assert.Empty(GuestPatches.Of(order, Node(guest))!);
    }

    [Fact]
    public void Guests_nobody_could_list_are_not_none()
    {
        Assert.Null(GuestPatches.Of(All, null));
        Assert.Null(GuestPatches.Of(All, Node() with { Guests = null }));
        Assert.Null(GuestPatches.Of(All, Node(Guest(GuestType.Lxc), Guest(GuestType.Lxc) with { Status = GuestStatus.Unknown })));
    }

    private static GuestView Guest(GuestType type, bool template = false) => new(
        $"c1-{(type is GuestType.Lxc ? "lxc" : "qemu")}-100",
        new(new(100), type, "web", GuestStatus.Running, "debian", null, null, template, null),
        GuestStatus.Running, PlatformFamily.Debian, type is GuestType.Lxc ? GuestManagement.Agentless : GuestManagement.RequiresAgent, null);

    private static NodeView Node(params GuestView[] guests) =>
        new(NodeName.Parse("pve1"), null, null, NodeStatus.Online, DateTimeOffset.UnixEpoch, null, [], DateTimeOffset.UnixEpoch, guests)
        {
            GuestCount = new(0, 0, 0, 0, 0, 0),
            GuestResources = null!, // nothing here adds up what guests have
        };
}
