using System.Text.Json;
using NannyOrleans.Api.Tests.Support;

namespace NannyOrleans.Api.Tests.Agents;

/// <summary>Agents outside Proxmox VE, and inside its VMs.</summary>
public sealed class MachineTests(SharedServer shared)
{
    [Fact]
    public async Task The_person_who_approves_is_told_that_it_is_no_Proxmox_host()
    {
        var id = Some.Outside();
        var code = (await HostPeer.AskForCode(shared.Anonymous, id.Value, "box", "box.example.org", "box")).Is(200);
        var page = (await shared.Anonymous.Get(new Uri(code.Text("verification_uri_complete")).PathAndQuery)).Is(200).Body;
        Assert.Contains("machine outside Proxmox VE", page, StringComparison.Ordinal);
        Assert.DoesNotContain("Cluster", page, StringComparison.Ordinal);
        Assert.Contains($"{id}/box", page, StringComparison.Ordinal);
        Assert.Contains("box.example.org", page, StringComparison.Ordinal);

        var host = (await HostPeer.AskForCode(shared.Anonymous, Some.Cluster().Value, "pve1", "pve1", "lab")).Is(200);
        Assert.DoesNotContain("outside Proxmox VE", (await shared.Anonymous.Get(new Uri(host.Text("verification_uri_complete")).PathAndQuery)).Is(200).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_machine_stands_alone_until_a_cluster_reports_the_VM_it_is()
    {
        var uuid = Some.Uuid();
        await using var machine = await Machine(uuid);
        var row = await Row(machine.Id.Value);
        Assert.Equal(("standalone", "online", "linux", "rhel", "Rocky Linux 9.4"), (row.Text("proxmox_role"), row.Text("status"), row.Text("os_type"), row.Text("platform_family"), row.Text("os")));
        foreach (var field in (string[])["proxmox_cluster", "proxmox_node_name", "proxmox_vmid", "proxmox_vm", "proxmox_parent_host"])
        {
            Assert.Equal(JsonValueKind.Null, row.Json.GetProperty(field).ValueKind);
        }

        Assert.Contains(machine.Id.Value, await Ids("proxmox_role=='standalone'"));
        Assert.Contains($"── {machine.Node} (Rocky Linux 9.4) (Agent: {machine.Id})\n", await Tree(), StringComparison.Ordinal);

        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var vm = Some.Machine() with { SmbiosUuid = uuid.ToUpperInvariant() };
        await host.ConnectWith(shared.Server.Url, vm);
        var guest = await Row(Some.GuestId(host, vm));
        Assert.Equal((machine.Id.Value, "guest"), (guest.Text("vm_agent"), guest.Text("proxmox_role")));
        row = await Row(machine.Id.Value);
        Assert.Equal(("vm", host.ClusterName, "pve1", $"{vm.Vmid}", Some.GuestId(host, vm), host.Id.Value), (
            row.Text("proxmox_role"), row.Text("proxmox_cluster"), row.Text("proxmox_node_name"), row.Text("proxmox_vmid"), row.Text("proxmox_vm"), row.Text("proxmox_parent_host")));
        Assert.DoesNotContain(machine.Id.Value, await Ids("proxmox_role=='standalone'"));
        Assert.Equal([machine.Id.Value], await Ids($"proxmox_role=='vm'&&proxmox_parent_host=='{host.Id}'"));
        Assert.Equal([Some.GuestId(host, vm)], await Ids($"vm_agent=='{machine.Id}'"));
        Assert.Contains($"VM {vm.Vmid}: {vm.Name} (l26) [Agent: {machine.Id}]\n", await Tree(), StringComparison.Ordinal);
        Assert.Contains($"── {machine.Node} (Rocky Linux 9.4) (Agent: {machine.Id}, VM {vm.Vmid} of \"{host.ClusterName}\")\n", await Tree(), StringComparison.Ordinal);

        // A VM is patched by the agent inside, not from outside.
        (await shared.Admin.Patch($"/api/agents/{machine.Id}", """{"platform_family":"debian"}""")).Is(200);
        Assert.Equal(machine.Id.Value, (await shared.Admin.PostLikeCurl("/api/patches", Some.Order(Some.GuestId(host, vm)))).Is(202).Text("agent_id"));
        Assert.True(host.HasNoJob());

        // Gone again with the VM.
        await host.ReportInventory(Some.Placed(host));
        Assert.Equal("standalone", (await Row(machine.Id.Value)).Text("proxmox_role"));
    }

    [Fact] // One VM was restored beside the other.
    public async Task A_uuid_of_two_says_nothing_and_a_person_decides()
    {
        var uuid = Some.Uuid();
        await using var machine = await Machine(uuid);
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var (original, copy) = (Some.Machine() with { SmbiosUuid = uuid }, Some.Machine() with { SmbiosUuid = uuid });
        await host.ConnectWith(shared.Server.Url, original, copy);
        Assert.Equal("standalone", (await Row(machine.Id.Value)).Text("proxmox_role"));
        Assert.Equal(JsonValueKind.Null, (await Row(Some.GuestId(host, original))).Json.GetProperty("vm_agent").ValueKind);

        (await shared.Admin.Patch($"/api/agents/{Some.GuestId(host, copy)}", $$"""{"vm_agent":"{{machine.Id}}"}""")).Is(200);
        Assert.Equal(Some.GuestId(host, copy), (await Row(machine.Id.Value)).Text("proxmox_vm"));
    }

    [Fact]
    public async Task A_uuid_in_two_clusters_is_shown_as_the_doubt_it_is()
    {
        var uuid = Some.Uuid();
        await using var machine = await Machine(uuid);
        await using var one = await HostPeer.Register(shared.Admin, Some.Cluster());
        await using var other = await HostPeer.Register(shared.Admin, Some.Cluster());
        var vm = Some.Machine() with { SmbiosUuid = uuid };
        await one.ConnectWith(shared.Server.Url, vm);
        await other.ConnectWith(shared.Server.Url, vm);
        var row = await Row(machine.Id.Value);
        Assert.Equal("standalone", row.Text("proxmox_role"));
        Assert.Contains("more than one VM", row.Json.GetProperty("problems")[0].GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_link_by_hand_goes_before_the_uuid_and_is_taken_back()
    {
        var uuid = Some.Uuid();
        await using var byUuid = await Machine(uuid);
        await using var byHand = await Machine(Some.Uuid());
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var vm = Some.Machine(byHand.Node.Value) with { SmbiosUuid = uuid }; // a VM is called what the host inside is called
        await host.ConnectWith(shared.Server.Url, vm);
        Assert.Equal(byUuid.Id.Value, (await Row(Some.GuestId(host, vm))).Text("vm_agent"));

        var linked = (await shared.Admin.Patch($"/api/agents/{Some.GuestId(host, vm)}", $$"""{"vm_agent":"{{byHand.Node}}"}""")).Is(200);
        Assert.Equal(byHand.Id.Value, linked.Text("vm_agent"));
        Assert.Equal(("standalone", "vm"), ((await Row(byUuid.Id.Value)).Text("proxmox_role"), (await Row(byHand.Id.Value)).Text("proxmox_role")));
        await host.ReportInventory(Some.Inventory(host, vm));
        Assert.Equal(byHand.Id.Value, (await Row(Some.GuestId(host, vm))).Text("vm_agent"));

        var back = (await shared.Admin.Patch($"/api/agents/{Some.GuestId(host, vm)}", """{"vm_agent":null}""")).Is(200);
        Assert.Equal(byUuid.Id.Value, back.Text("vm_agent"));
        (await shared.Admin.Patch($"/api/agents/{Some.GuestId(host, vm)}", $$"""{"vm_agent":"{{host.Id}}"}""")).NamesField("vm_agent"); // a Proxmox host is in no VM
    }

    [Fact]
    public async Task A_name_of_two_machines_is_not_guessed()
    {
        await using var one = await Machine(Some.Uuid(), "twin");
        await using var other = await Machine(Some.Uuid(), "twin");
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var vm = Some.Machine();
        await host.ConnectWith(shared.Server.Url, vm);
        var said = (await shared.Admin.Patch($"/api/agents/{Some.GuestId(host, vm)}", """{"vm_agent":"twin"}""")).NamesField("vm_agent");
        Assert.Contains(one.Id.Value, said, StringComparison.Ordinal);
        Assert.Contains(other.Id.Value, said, StringComparison.Ordinal);
    }

    [Fact] // What it says of guests and clusters is not its to say.
    public async Task A_machine_has_no_guests_whatever_it_reports()
    {
        await using var machine = await Machine(Some.Uuid());
        var guest = Some.Container();
        await machine.ReportInventory(Some.Inventory(machine, guest));
        (await shared.Admin.Get($"/api/agents/{guest.Vmid}")).IsProblem(404, "not-found");
        Assert.DoesNotContain(guest.Name, await Tree(), StringComparison.Ordinal);
        Assert.DoesNotContain(machine.Cluster.Value, (await shared.Admin.Get("/api/clusters")).Is(200).Body, StringComparison.Ordinal);
        (await shared.Admin.Get($"/api/clusters/{machine.Cluster}")).IsProblem(404, "not-found");
    }

    private async Task<HostPeer> Machine(string uuid, string? name = null)
    {
        var id = Some.Outside();
        var machine = await HostPeer.Register(shared.Admin, id, name ?? $"box-{id.Value[^8..]}");
        await machine.Connect(shared.Server.Url);
        await machine.ReportInventory(Some.MachineInventory(machine, uuid));
        return machine;
    }

    private async Task<Answer> Row(string id) => (await shared.Admin.Get($"/api/agents/{id}")).Is(200);

    private async Task<string> Tree() => (await shared.Admin.Get("/api/topology?format=text")).Is(200).Body;

    private async Task<string[]> Ids(string filter) =>
        [.. (await shared.Admin.Get($"/api/agents?filter={Uri.EscapeDataString(filter)}")).Is(200).Json.EnumerateArray().Select(row => row.GetProperty("id").GetString()!)];
}
