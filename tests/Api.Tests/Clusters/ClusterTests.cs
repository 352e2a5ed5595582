using System.Text.Json;
using NannyOrleans.Api.Tests.Support;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Api.Tests.Clusters;

/// <summary>Clusters, and the sums over what is in them.</summary>
public sealed class ClusterTests(SharedServer shared)
{
    private const long GiB = 1L << 30;

    [Fact]
    public async Task Sums_are_over_what_is_known_and_say_how_much_is_not()
    {
        var cluster = Some.Cluster();
        await using var one = await HostPeer.Register(shared.Admin, cluster);
        await using var two = await HostPeer.Register(shared.Admin, cluster, "pve2");
        await using var silent = await HostPeer.Register(shared.Admin, cluster, "pve3");
        GuestSeen Sized(GuestSeen guest) => guest with { Cores = 2, MemoryBytes = 2 * GiB, Disks = [new("rootfs", "local:1", 8 * GiB, "/"), new("mp0", "/bind", null, "/data")] };
        var (web, db, off, template, vm) = (Sized(Some.Container()), Sized(Some.Container()), Sized(Some.Container()) with { Status = GuestStatus.Stopped },
            Sized(Some.Container()) with { Template = true, Status = GuestStatus.Stopped }, Sized(Some.Machine()) with { Status = GuestStatus.Paused });
        await one.ConnectWith(shared.Server.Url, web, db, off, template);
        await two.ConnectWith(shared.Server.Url, vm);
        await one.ReportMetrics(Some.Metrics(Some.Measured(web), Some.Measured(db), Some.Measured(off) with { Status = GuestStatus.Stopped, CpuCores = null, Memory = null, Disk = null, NetworkInPerSecond = null, NetworkOutPerSecond = null }));
        await two.ReportMetrics(Some.Metrics(Some.Measured(vm)));
        var path = $"/api/clusters/{cluster}";
        var overview = await Waiting.Until(() => shared.Admin.Get(path), answer => answer.Json.GetProperty("resources").GetProperty("measured").GetInt32() is 2, "both hosts' samples");

        Has(overview.Json.GetProperty("node_count"), ("total", 3), ("online", 2), ("offline", 1), ("maintenance", 0), ("no_agent", 0));
        Has(overview.Json.GetProperty("guest_count"), ("total", 5), ("running_cts", 2), ("running_vms", 1), ("stopped", 2), ("unknown", 0), ("nodes_unlisted", 1));
        Has(
            overview.Json.GetProperty("resources"),
            ("of", 3), ("measured", 2), ("cores", 16), ("cpu_cores_used", 8), ("memory_bytes", 128 * GiB), ("memory_used_bytes", 32 * GiB),
            ("disk_bytes", 200 * GiB), ("disk_used_bytes", 20 * GiB), ("network_in_per_second", 2000), ("network_out_per_second", 4000));
        Has(
            overview.Json.GetProperty("guest_resources"), // a template uses nothing
            ("of", 4), ("cores", 8), ("cpu_cores_used", 1.5), ("memory_bytes", 8 * GiB), ("memory_used_bytes", 3 * GiB),
            ("disk_bytes", 32 * GiB), ("disk_used_bytes", 6 * GiB), ("network_in_per_second", 30), ("network_out_per_second", 60));

        // The same numbers wherever they are shown.
        var listed = (await shared.Admin.Get("/api/clusters")).Is(200).Json.EnumerateArray().Single(row => row.GetProperty("id").GetString() == cluster.Value);
        Assert.Equal(overview.Body, listed.GetRawText());
        var tree = (await shared.Admin.Get("/api/topology")).Is(200).Json.GetProperty("clusters").EnumerateArray().Single(row => row.GetProperty("id").GetString() == cluster.Value);
        Assert.Equal(overview.Body, tree.GetProperty("overview").GetRawText());
        Assert.Equal([4, 1, 0], tree.GetProperty("nodes").EnumerateArray().Select(node => node.GetProperty("guest_count").GetProperty("total").GetInt32()));
        var nodes = (await shared.Admin.Get($"{path}/nodes")).Is(200).Json.EnumerateArray().ToArray();
        Assert.Equal(["online", "online", "offline"], nodes.Select(node => node.GetProperty("status").GetString()!));
        Assert.All(nodes, node => Assert.Equal(JsonValueKind.Null, node.GetProperty("guests").ValueKind));
        Has(nodes[0].GetProperty("guest_count"), ("total", 4), ("running_cts", 2), ("stopped", 2), ("nodes_unlisted", 0));
        Has(nodes[2].GetProperty("guest_count"), ("total", 0), ("nodes_unlisted", 1));
        var guests = (await shared.Admin.Get($"{path}/guests")).Is(200).Json.EnumerateArray().ToArray();
        Assert.Equal(5, guests.Length);
        Assert.Equal(("pve2", Some.GuestId(two, vm), "paused"), guests.Single(guest => guest.GetProperty("guest").GetProperty("type").GetString() is "qemu") is var placed
            ? (placed.GetProperty("node").GetString(), placed.GetProperty("guest").GetProperty("id").GetString(), placed.GetProperty("guest").GetProperty("status").GetString()) : default);

        var row = (await shared.Admin.Get($"/api/agents/{one.Id}")).Is(200).Json;
        Has(row, ("guest_count", 4), ("running_containers", 2), ("running_vms", 0), ("cores", 8), ("cpu_percent", 50), ("memory_bytes", 64 * GiB), ("memory_used_bytes", 16 * GiB), ("disk_bytes", 100 * GiB), ("load1", 4));
        var guestRow = (await shared.Admin.Get($"/api/agents/{Some.GuestId(one, web)}")).Is(200).Json;
        Has(guestRow, ("cores", 2), ("cpu_percent", 25), ("memory_bytes", 2 * GiB), ("memory_used_bytes", GiB), ("disk_bytes", 8 * GiB), ("disk_used_bytes", 3 * GiB));
        Assert.Equal([Some.GuestId(one, web), Some.GuestId(one, db)], (await shared.Admin.Get($"/api/agents?filter=cpu_percent>=25%26%26proxmox_parent_host=='{one.Id}'%26%26proxmox_role=='guest'")).Is(200).Json.EnumerateArray().Select(Id));

        // A host that falls silent takes its use out of the sums and leaves what it has.
        await two.FallSilent(shared.Admin);
        overview = (await shared.Admin.Get(path)).Is(200);
        Has(overview.Json.GetProperty("node_count"), ("online", 1), ("offline", 2));
        Has(overview.Json.GetProperty("guest_count"), ("total", 5), ("running_cts", 2), ("running_vms", 0), ("unknown", 1));
        Has(overview.Json.GetProperty("resources"), ("of", 3), ("measured", 1), ("cpu_cores_used", 4));
        Has(overview.Json.GetProperty("guest_resources"), ("of", 4), ("cpu_cores_used", 1), ("memory_bytes", 8 * GiB));
        Assert.Equal(JsonValueKind.Null, (await shared.Admin.Get($"/api/agents/{two.Id}")).Json.GetProperty("running_vms").ValueKind);
    }

    [Fact]
    public async Task What_the_cluster_is_and_has_is_taken_from_a_fresh_report()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        await host.Connect(shared.Server.Url);
        var path = $"/api/clusters/{host.Cluster}";
        var before = (await shared.Admin.Get(path)).Is(200).Json;
        Assert.Equal((host.ClusterName, JsonValueKind.Null), (before.GetProperty("name").GetString(), before.GetProperty("quorate").ValueKind)); // nobody has said
        Assert.NotEqual(string.Empty, before.GetProperty("quorate_reason").GetString());

        var inventory = Some.Inventory(host);
        var other = NodeName.Parse("pve2");
        await host.ReportInventory(inventory with
        {
            Cluster = inventory.Cluster! with
            {
                Clustered = true,
                Members = [new(host.Node, true, 2), new(other, false, 1)],
                QDevice = new("net", "10.0.0.9", "ffsplit", 1, true),
                Ha = new(true, host.Node, true, new Dictionary<string, string> { ["pve1"] = "maintenance" }, ["ct:100"]),
                Ceph = new("HEALTH_WARN", ["OSD_DOWN: 1 osds down"], null),
            },
            Storages =
            [
                new("local", "dir", ["iso"], false, "available", 1 * GiB, 10 * GiB, null),
                new("tank", "zfspool", ["images"], false, "available", null, null, "DEGRADED"),
                new("nas", "nfs", ["backup"], true, "unknown", null, null, null),
            ],
        });
        var cluster = (await shared.Admin.Get(path)).Is(200).Json;
        Assert.True(cluster.GetProperty("quorate").GetBoolean());
        Assert.True(cluster.GetProperty("clustered").GetBoolean());
        Has(cluster.GetProperty("votes"), ("expected", 4), ("quorum", 3), ("online", 3));
        Assert.Equal("ffsplit", cluster.GetProperty("qdevice").GetProperty("algorithm").GetString());
        Assert.Equal("ct:100", cluster.GetProperty("ha").GetProperty("services_in_error")[0].GetString());
        Assert.Equal("HEALTH_WARN", cluster.GetProperty("ceph").GetProperty("health").GetString());
        Assert.Equal("pve1", cluster.GetProperty("reported_by").GetString());
        Assert.Equal(["local/pve1", "nas/", "tank/pve1"], cluster.GetProperty("storages").EnumerateArray().Select(storage => $"{storage.GetProperty("name")}/{storage.GetProperty("node")}"));
        Has(cluster.GetProperty("node_count"), ("total", 2), ("online", 1), ("maintenance", 1), ("no_agent", 1));
        Assert.Equal("maintenance", (await shared.Admin.Get($"/api/agents/{host.Id}")).Text("status"));
        Assert.Contains($"Node: pve1 (Host Agent: {host.Id}, maintenance)", (await shared.Admin.Get("/api/topology?format=text")).Body, StringComparison.Ordinal);

        // A sample is younger than the inventory.
        await host.ReportMetrics(Some.Metrics() with { Quorate = false, HaState = "online", Storages = [new("local", new(2 * GiB, 10 * GiB))] });
        var after = (await Waiting.Until(() => shared.Admin.Get(path), answer => answer.Text("quorate_reason") is not null, "the lost quorum")).Json;
        Assert.False(after.GetProperty("quorate").GetBoolean());
        Has(after.GetProperty("storages")[0], ("used_bytes", 2 * GiB), ("total_bytes", 10 * GiB));
        Assert.Equal("online", (await shared.Admin.Get($"/api/agents/{host.Id}")).Text("status"));
        Assert.Contains($"Proxmox Cluster: \"{host.ClusterName}\" [no quorum]", (await shared.Admin.Get("/api/topology?format=text")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cluster_is_found_by_its_id_and_by_a_name_that_only_it_has_and_a_rename_keeps_it()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster(), clusterName: $"a-{Guid.NewGuid():N}");
        await using var other = await HostPeer.Register(shared.Admin, Some.Cluster());
        var guest = Some.Container();
        await host.ConnectWith(shared.Server.Url, guest);
        await other.ConnectWith(shared.Server.Url);
        foreach (var tail in (string[])["", "/nodes", "/guests"])
        {
            Assert.Equal((await shared.Admin.Get($"/api/clusters/{host.Cluster}{tail}")).Is(200).Body, (await shared.Admin.Get($"/api/clusters/{host.ClusterName}{tail}")).Is(200).Body);
            (await shared.Admin.Get($"/api/clusters/nobody{tail}")).IsProblem(404, "not-found");
            (await shared.Admin.Get($"/api/clusters/{Some.Cluster()}{tail}")).IsProblem(404, "not-found");
        }

        var inventory = Some.Inventory(host, guest);
        await host.ReportInventory(inventory with { Cluster = inventory.Cluster! with { Name = other.ClusterName } });
        var renamed = (await shared.Admin.Get($"/api/clusters/{host.Cluster}")).Is(200);
        Assert.Equal((other.ClusterName, 1), (renamed.Text("name"), renamed.Json.GetProperty("guest_count").GetProperty("total").GetInt32()));
        (await shared.Admin.Get($"/api/clusters/{host.ClusterName}")).IsProblem(404, "not-found");
        foreach (var tail in (string[])["", "/nodes", "/guests"])
        {
            var candidates = (await shared.Admin.Get($"/api/clusters/{other.ClusterName}{tail}")).IsProblem(409, "ambiguous-id").GetProperty("candidates").EnumerateArray().ToArray();
            Assert.Equal(new[] { host.Cluster.Value, other.Cluster.Value }.Order(StringComparer.Ordinal), candidates.Select(Id).Order(StringComparer.Ordinal));
            Assert.All(candidates, candidate => Assert.Equal(other.ClusterName, candidate.GetProperty("name").GetString()));
        }
    }

    [Theory]
    [InlineData("%27%22%3Cb%3E")]
    [InlineData("..%2F..%2Fetc")]
    [InlineData("c0000000000000000")]
    [InlineData("%F0%9F%98%80")]
    public async Task A_cluster_that_is_nobodys_is_not_found(string id) => (await shared.Admin.Get($"/api/clusters/{id}")).IsProblem(404, "not-found");

    private static string Id(JsonElement row) => row.GetProperty("id").GetString()!;

    private static void Has(JsonElement of, params (string Field, double Value)[] fields) =>
        Assert.All(fields, field => Assert.Equal((field.Field, field.Value), (field.Field, of.GetProperty(field.Field).GetDouble())));
}
