using System.Text.Json;
using NannyOrleans.Api.Tests.Support;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Api.Tests.Agents;

/// <summary>One thing by whatever a person calls it.</summary>
public sealed class AgentLookupTests(SharedServer shared)
{
    [Fact]
    public async Task A_VM_and_a_machine_are_found_by_all_their_names()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var outside = Some.Outside();
        await using var machine = await HostPeer.Register(shared.Admin, outside, $"box-{outside.Value[^8..]}");
        var vm = Some.Machine();
        await host.ConnectWith(shared.Server.Url, vm);
        await machine.Connect(shared.Server.Url);
        await machine.ReportInventory(Some.MachineInventory(machine) with { Hostname = $"{machine.Node}.example.org" });

        foreach (var form in (string[])[Some.GuestId(host, vm), $"qemu-{vm.Vmid}", $"guest-qemu-{vm.Vmid}", $"qemu-{vm.Vmid}-{vm.Name}", vm.Name, $"{vm.Vmid}"])
        {
            Assert.Equal(Some.GuestId(host, vm), (await shared.Admin.Get($"/api/agents/{form}")).Is(200).Text("id"));
        }

        foreach (var form in (string[])[machine.Id.Value, machine.Node.Value, $"{machine.Node}.example.org"])
        {
            var row = (await shared.Admin.Get($"/api/agents/{form}")).Is(200);
            Assert.Equal((machine.Id.Value, "standalone", "linux", "rhel", "online"), (row.Text("id"), row.Text("proxmox_role"), row.Text("os_type"), row.Text("platform_family"), row.Text("status")));
            Assert.False(row.Json.TryGetProperty("$type", out _));
        }

        (await shared.Admin.Get($"/api/agents/lxc-{vm.Vmid}")).IsProblem(404, "not-found");
        (await shared.Admin.Get($"/api/agents/{vm.Name.ToUpperInvariant()}")).IsProblem(404, "not-found"); // case matters, as in Proxmox VE
    }

    [Fact]
    public async Task A_vmid_of_two_clusters_is_answered_with_both_until_one_is_deleted()
    {
        await using var one = await HostPeer.Register(shared.Admin, Some.Cluster());
        await using var other = await HostPeer.Register(shared.Admin, Some.Cluster());
        var guest = Some.Container();
        await one.ConnectWith(shared.Server.Url, guest);
        await other.ConnectWith(shared.Server.Url, guest);
        string[] both = [.. new[] { Some.GuestId(one, guest), Some.GuestId(other, guest) }.Order(StringComparer.Ordinal)];

        foreach (var form in (string[])[$"{guest.Vmid}", $"lxc-{guest.Vmid}", guest.Name])
        {
            Assert.Equal(both, Candidates(await shared.Admin.Get($"/api/agents/{form}")));
            Assert.Equal(both, Candidates(await shared.Admin.Patch($"/api/agents/{form}", """{"notes":"x"}""")));
            Assert.Equal(both, Candidates(await shared.Admin.Send("POST", $"/api/agents/{form}/discover")));
            Assert.Equal(both, Candidates(await shared.Admin.Get($"/api/agents/{form}/metrics")));
        }

        // What is there wins over what was; the other keeps its full id.
        await other.ReportInventory(Some.Placed(other));
        Assert.Equal(Some.GuestId(one, guest), (await shared.Admin.Get($"/api/agents/lxc-{guest.Vmid}")).Is(200).Text("id"));
        Assert.Equal("deleted", (await shared.Admin.Get($"/api/agents/{Some.GuestId(other, guest)}")).Is(200).Text("status"));

        // Of deleted ones alone a short name still finds one, and two are two.
        await one.ReportInventory(Some.Placed(one));
        Assert.Equal(both, Candidates(await shared.Admin.Get($"/api/agents/lxc-{guest.Vmid}")));
    }

    [Fact]
    public async Task A_deleted_guest_is_still_found_and_its_number_may_come_back_as_another()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var container = Some.Container();
        await host.ConnectWith(shared.Server.Url, container);
        await host.ReportInventory(Some.Placed(host));
        Assert.Equal((Some.GuestId(host, container), "deleted"), (await shared.Admin.Get($"/api/agents/{container.Vmid}")).Is(200) is var gone ? (gone.Text("id"), gone.Text("status")) : default);

        var vm = Some.Machine() with { Vmid = container.Vmid };
        await host.ReportInventory(Some.Placed(host, vm));
        Assert.Equal(Some.GuestId(host, vm), (await shared.Admin.Get($"/api/agents/{container.Vmid}")).Is(200).Text("id"));
        (await shared.Admin.Get($"/api/agents/{Some.GuestId(host, container)}")).IsProblem(404, "not-found");
    }

    [Fact] // Whoever may name his guests may name one like another's id.
    public async Task A_name_that_is_anothers_full_id_does_not_stand_in_its_way()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        await using var impostor = await HostPeer.Register(shared.Admin, Some.Cluster());
        var real = Some.Container();
        await host.ConnectWith(shared.Server.Url, real);
        await impostor.ConnectWith(shared.Server.Url, Some.Container(Some.GuestId(host, real)), Some.Container(host.Id.Value));
        Assert.Equal(real.Name, (await shared.Admin.Get($"/api/agents/{Some.GuestId(host, real)}")).Is(200).Text("name"));
        Assert.Equal("host", (await shared.Admin.Get($"/api/agents/{host.Id}")).Is(200).Text("proxmox_role"));
    }

    [Fact]
    public async Task A_guest_that_moves_keeps_its_id_and_what_was_said_of_it()
    {
        var cluster = Some.Cluster();
        await using var from = await HostPeer.Register(shared.Admin, cluster);
        await using var to = await HostPeer.Register(shared.Admin, cluster, "pve2");
        var guest = Some.Container();
        await from.ConnectWith(shared.Server.Url, guest);
        await to.ConnectWith(shared.Server.Url);
        var id = Some.GuestId(from, guest);
        (await shared.Admin.Patch($"/api/agents/{id}", """{"platform_family":"rhel","notes":"moved once"}""")).Is(200);

        // The old node's word comes first: until the new one has spoken it is known where to, not how it is.
        var inventory = Some.Inventory(from);
        await from.ReportInventory(inventory with
        {
            Cluster = inventory.Cluster! with { GuestsByNode = new Dictionary<NannyOrleans.Protocol.Ids.NodeName, IReadOnlyList<NannyOrleans.Protocol.Ids.Vmid>> { [from.Node] = [], [to.Node] = [guest.Vmid] } },
        });
        var moving = (await shared.Admin.Get($"/api/agents/{id}")).Is(200);
        Assert.Equal(("pve2", "unknown", to.Id.Value), (moving.Text("proxmox_node_name"), moving.Text("status"), moving.Text("proxmox_parent_host")));
        Assert.Contains("moved to pve2", moving.Text("problem"), StringComparison.Ordinal);

        await to.ReportInventory(Some.Inventory(to, guest));
        var there = (await shared.Admin.Get($"/api/agents/{id}")).Is(200);
        Assert.Equal(("pve2", "running", to.Id.Value, "rhel", "moved once"), (
            there.Text("proxmox_node_name"), there.Text("status"), there.Text("proxmox_parent_host"), there.Text("platform_family"), there.Text("notes")));
        Assert.Equal(JsonValueKind.Null, there.Json.GetProperty("problem").ValueKind);
        (await shared.Admin.Patch($"/api/agents/{id}", """{"platform_family":null}""")).Is(200);
        (await shared.Admin.PostLikeCurl("/api/patches", Some.Order(id))).Is(202);
        Assert.Equal(guest.Vmid, (await to.NextJob()).Vmid);
        Assert.True(from.HasNoJob());
    }

    [Fact]
    public async Task What_has_changed_is_built_on_what_was_said_and_a_gap_asks_for_all()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var (first, second, third) = (Some.Container(), Some.Container(), Some.Container());
        await host.Connect(shared.Server.Url);
        Assert.True((await host.ReportInventory(Some.Inventory(host, first) with { Since = "nothing", Fingerprint = "f1" })).NeedsWhole);
        (await shared.Admin.Get($"/api/agents/{Some.GuestId(host, first)}")).IsProblem(404, "not-found"); // nothing of it was taken

        Assert.False((await host.ReportInventory(Some.Inventory(host, first, second) with { Fingerprint = "f1" })).NeedsWhole);
        Assert.False((await host.ReportInventory(Some.Inventory(host, first with { Status = GuestStatus.Stopped }, third) with
        {
            Since = "f1",
            Fingerprint = "f2",
            Gone = [new(second.Vmid, null, Deleted: true)],
        })).NeedsWhole);
        Assert.Equal(["deleted", "running", "stopped"], await Statuses());

        Assert.True((await host.ReportInventory(Some.Inventory(host, first) with { Since = "f1", Fingerprint = "f3" })).NeedsWhole); // once more: it has moved on
        Assert.Equal(["deleted", "running", "stopped"], await Statuses());
        Assert.False((await host.ReportInventory(Some.Inventory(host) with { Since = "f2", Fingerprint = "f2" })).NeedsWhole); // nothing new
        Assert.Equal(["deleted", "running", "stopped"], await Statuses());

        // Guests that could not be listed keep their last list, but it is not the present.
        Assert.False((await host.ReportInventory(Some.Inventory(host) with { Guests = null, Problems = ["qm list: exit code 255"] })).NeedsWhole);
        Assert.Equal(["deleted", "unknown", "unknown"], await Statuses());
        var row = (await shared.Admin.Get($"/api/agents/{host.Id}")).Is(200);
        Assert.Equal(("qm list: exit code 255", 2), (row.Json.GetProperty("problems")[0].GetString(), row.Json.GetProperty("guest_count").GetInt32()));
        Assert.Equal(JsonValueKind.Null, row.Json.GetProperty("running_containers").ValueKind); // not zero

        async Task<string[]> Statuses() =>
        [
            .. (await shared.Admin.Get($"/api/agents?deleted=true&filter=proxmox_parent_host=='{host.Id}'")).Is(200).Json.EnumerateArray()
                .Select(one => one.GetProperty("status").GetString()!).Order(StringComparer.Ordinal),
        ];
    }

    private static string[] Candidates(Answer answer) =>
        [.. answer.IsProblem(409, "ambiguous-id").GetProperty("candidates").EnumerateArray().Select(candidate => candidate.GetProperty("id").GetString()!).Order(StringComparer.Ordinal)];
}
