using System.Text.Json;
using NannyOrleans.Api.Tests.Support;

namespace NannyOrleans.Api.Tests.People;

/// <summary>Roles for one cluster: the others are as if they were not there, in every way to ask.</summary>
public sealed class ClusterRolesTests(SharedServer shared)
{
    [Fact]
    public async Task What_no_role_reaches_is_in_no_list_and_under_no_id()
    {
        await using var world = await World.Make(shared);
        var (own, other, who) = (world.Own, world.Other, world.Operator);
        foreach (var (path, fields) in new[]
        {
            ("/api/agents", "id"), ("/api/patches", "agent_id"), ("/api/reboots", "agent_id"), ("/api/packages/exceptions", "agent_id"), ("/api/clusters", "id"),
            ($"/api/agents?filter=proxmox_cluster=='{other.ClusterName}'", "id"), ("/api/agents?per_page=1", "id"), ($"/api/patches?cluster={other.Cluster}", "id"),
            ($"/api/patches?agent_id={Some.GuestId(other, world.OtherGuest)}", "id"),
        })
        {
            var ids = (await who.Get(path)).Is(200).Json.EnumerateArray().Select(row => row.GetProperty(fields).GetString()!).ToArray();
            Assert.All(ids, id => Assert.True(id.StartsWith(own.Cluster.Value, StringComparison.Ordinal) || id == own.Id.Value, $"{path}: {id}"));
            Assert.Equal(path.Contains('=', StringComparison.Ordinal) && !path.Contains("per_page", StringComparison.Ordinal), ids.Length is 0);
        }

        var (topology, text) = ((await who.Get("/api/topology")).Is(200), (await who.Get("/api/topology?format=text")).Is(200).Body);
        Assert.Equal([own.Cluster.Value], topology.Json.GetProperty("clusters").EnumerateArray().Select(cluster => cluster.GetProperty("id").GetString()));
        Assert.Equal(0, topology.Json.GetProperty("standalone").GetArrayLength());
        Assert.DoesNotContain(other.ClusterName, text, StringComparison.Ordinal);
        Assert.Equal("1", (await who.Get("/api/agents?filter=proxmox_type=='lxc'")).Header("X-Total-Count"));

        foreach (var id in new[] { Some.GuestId(other, world.OtherGuest), $"lxc-{world.OtherGuest.Vmid}", world.OtherGuest.Name, other.Id.Value, world.Machine.Id.Value })
        {
            foreach (var (method, path) in new[] { ("GET", $"/api/agents/{id}"), ("GET", $"/api/agents/{id}/metrics"), ("POST", $"/api/agents/{id}/discover"), ("POST", $"/api/agents/{id}/diagnose") })
            {
                (await who.Send(method, path)).IsProblem(404, "not-found");
            }

            (await who.Patch($"/api/agents/{id}", """{"notes":"mine"}""")).IsProblem(404, "not-found");
            (await who.PostLikeCurl("/api/patches", Some.Order(id!))).IsProblem(404, "not-found");
            (await who.PostLikeCurl("/api/reboots", $$"""{"agent_id":"{{id}}"}""")).IsProblem(404, "not-found");
            (await who.PostLikeCurl("/api/packages/exceptions", $$"""{"agent_id":"{{id}}","package_names":["a"]}""")).IsProblem(404, "not-found");
        }

        foreach (var (method, path) in world.OfOther)
        {
            (await who.Send(method, path)).IsProblem(404, "not-found");
        }

        foreach (var cluster in new[] { other.Cluster.Value, other.ClusterName })
        {
            (await who.Get($"/api/clusters/{cluster}")).IsProblem(404, "not-found");
            (await who.PostLikeCurl($"/api/clusters/{cluster}/campaigns", """{"mode":"dry-run"}""")).IsProblem(404, "not-found");
        }

        // In a batch it is a target that means nothing; by a filter it is not found at all.
        var ids2 = JsonSerializer.Serialize(new[] { Some.GuestId(own, world.OwnGuest), Some.GuestId(other, world.OtherGuest), world.OtherGuest.Name });
        var batch = (await who.PostLikeCurl("/api/patches", $$"""{"agent_ids":{{ids2}},"mode":"dry-run"}""")).Is(202);
        Assert.Equal(
            [("waiting", null), ("refused", "not-found"), ("refused", "not-found")],
            batch.Json.GetProperty("targets").EnumerateArray().Select(target => (target.GetProperty("status").GetString(), target.GetProperty("refusal") is { ValueKind: JsonValueKind.Object } why ? why.GetProperty("code").GetString() : null)));
        (await who.PostLikeCurl("/api/patches", $$"""{"filter":"proxmox_cluster=='{{other.ClusterName}}'","mode":"dry-run"}""")).NamesField("filter");
    }

    [Fact]
    public async Task What_may_be_looked_at_and_not_touched_says_so()
    {
        await using var world = await World.Make(shared);
        var other = world.Other;
        var who = await shared.SignIn(("operator", world.Own.Cluster.Value), ("viewer", other.Cluster.Value));
        var id = Some.GuestId(other, world.OtherGuest);
        (await who.Get($"/api/agents/{id}")).Is(200);
        foreach (var (method, path) in world.OfOther)
        {
            var answer = await who.Send(method, path);
            Assert.True(answer.Status == (method is "GET" ? 200 : 403), $"{method} {path}: {answer}");
        }

        Assert.Contains(other.Cluster.Value, (await who.PostLikeCurl("/api/patches", Some.Order(id))).IsProblem(403, "forbidden").GetProperty("detail").GetString(), StringComparison.Ordinal);
        (await who.Patch($"/api/agents/{id}", """{"notes":"mine"}""")).IsProblem(403, "forbidden");
        (await who.PostLikeCurl($"/api/clusters/{other.Cluster}/campaigns", """{"mode":"dry-run"}""")).IsProblem(403, "forbidden");
        (await who.PostLikeCurl($"/api/clusters/{other.Cluster}/campaigns/plan", """{"mode":"dry-run"}""")).Is(200);
        var batch = (await who.PostLikeCurl("/api/patches", $$"""{"agent_ids":["{{id}}"],"mode":"dry-run"}""")).Is(202);
        Assert.Equal("forbidden", batch.Json.GetProperty("targets")[0].GetProperty("refusal").GetProperty("code").GetString());
    }

    [Fact] // What is inside a VM, and whether it is patched from outside, gives power over it: an operator patches what is there.
    public async Task What_a_vms_patches_go_through_is_for_administrators_of_its_cluster()
    {
        await using var world = await World.Make(shared);
        var vm = Some.Machine();
        await world.Own.ReportInventory(Some.Inventory(world.Own, world.OwnGuest, vm));
        var path = $"/api/agents/{Some.GuestId(world.Own, vm)}";
        (await world.Operator.Patch(path, """{"notes":"ours"}""")).Is(200);
        (await world.Operator.Patch(path, """{"agentless_vm":true}""")).IsProblem(403, "forbidden");
        (await world.Operator.Patch(path, $$"""{"vm_agent":"{{world.Machine.Id}}"}""")).IsProblem(403, "forbidden");
        var administrator = await shared.SignIn(("administrator", world.Own.Cluster.Value));
        (await administrator.Patch(path, """{"agentless_vm":true}""")).Is(200);
        (await administrator.Patch(path, $$"""{"vm_agent":"{{world.Machine.Id}}"}""")).NamesField("vm_agent"); // the machine is not there for him

        // Somebody else has put it there: its patches are the machine's, which is not this operator's.
        (await shared.Admin.Patch(path, $$"""{"vm_agent":"{{world.Machine.Id}}"}""")).Is(200);
        (await world.Operator.PostLikeCurl("/api/patches", Some.Order(Some.GuestId(world.Own, vm)))).IsProblem(403, "forbidden");
        (await world.Operator.PostLikeCurl("/api/reboots", $$"""{"agent_id":"{{Some.GuestId(world.Own, vm)}}"}""")).IsProblem(403, "forbidden");
        var batch = (await world.Operator.PostLikeCurl("/api/patches", $$"""{"agent_ids":["{{Some.GuestId(world.Own, vm)}}"],"mode":"dry-run"}""")).Is(202);
        Assert.Equal("forbidden", batch.Json.GetProperty("targets")[0].GetProperty("refusal").GetProperty("code").GetString());
        Assert.True(world.Machine.HasNoJob());
    }

    /// <summary>Two clusters with a container each, a machine, and what was done on the other cluster.</summary>
    private sealed class World : IAsyncDisposable
    {
        public required HostPeer Own { get; init; }

        public required HostPeer Other { get; init; }

        public required HostPeer Machine { get; init; }

        public required NannyOrleans.Protocol.Inventories.GuestSeen OwnGuest { get; init; }

        public required NannyOrleans.Protocol.Inventories.GuestSeen OtherGuest { get; init; }

        /// <summary>Operator of <see cref="Own"/> alone.</summary>
        public required Caller Operator { get; init; }

        /// <summary>Calls by the ids of what was done on the other cluster.</summary>
        public required IReadOnlyList<(string Method, string Path)> OfOther { get; init; }

        public static async Task<World> Make(SharedServer shared)
        {
            var (own, other, machine) = (await HostPeer.Register(shared.Admin, Some.Cluster()), await HostPeer.Register(shared.Admin, Some.Cluster()), await HostPeer.Register(shared.Admin, Some.Outside(), $"vm-{Some.Vmid()}"));
            var (ownGuest, otherGuest) = (Some.Container(), Some.Container());
            await own.ConnectWith(shared.Server.Url, ownGuest);
            await other.ConnectWith(shared.Server.Url, otherGuest);
            await machine.Connect(shared.Server.Url);
            await machine.ReportInventory(Some.MachineInventory(machine));
            var calls = new List<(string, string)>();
            foreach (var (host, guest) in new[] { (own, ownGuest), (other, otherGuest) })
            {
                var id = Some.GuestId(host, guest);
                var patch = (await shared.Admin.PostLikeCurl("/api/patches", Some.Order(id))).Is(202).Text("operation_id");
                var batch = (await shared.Admin.PostLikeCurl("/api/patches", $$"""{"agent_ids":["{{id}}"],"mode":"dry-run"}""")).Is(202).Text("id");
                var reboot = (await shared.Admin.PostLikeCurl("/api/reboots", $$"""{"agent_id":"{{id}}"}""")).Is(202).Text("id");
                var diagnosis = (await shared.Admin.PostLikeCurl($"/api/agents/{id}/diagnose", "")).Is(202).Text("id");
                var exception = (await shared.Admin.PostLikeCurl("/api/packages/exceptions", $$"""{"agent_id":"{{id}}","package_names":["nginx"]}""")).Is(201).Text("id");
                if (host == other)
                {
                    calls =
                    [
                        ("GET", $"/api/patches/{patch}"), ("GET", $"/api/patches/{patch}/output"), ("POST", $"/api/patches/{patch}/cancel"), ("GET", $"/api/patches/batches/{batch}"), ("POST", $"/api/patches/batches/{batch}/cancel"),
                        ("GET", $"/api/reboots/{reboot}"), ("POST", $"/api/reboots/{reboot}/cancel"), ("GET", $"/api/diagnoses/{diagnosis}"),
                        ("GET", $"/api/packages/exceptions/{exception}"), ("DELETE", $"/api/packages/exceptions/{exception}"), ("GET", $"/api/clusters/{host.Cluster}/campaigns"),
                    ];
                }
            }

            return new()
            {
                Own = own,
                Other = other,
                Machine = machine,
                OwnGuest = ownGuest,
                OtherGuest = otherGuest,
                Operator = await shared.SignIn(("operator", own.Cluster.Value)),
                OfOther = calls,
            };
        }

        public async ValueTask DisposeAsync()
        {
            await Own.DisposeAsync();
            await Other.DisposeAsync();
            await Machine.DisposeAsync();
        }
    }
}
