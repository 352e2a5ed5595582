using System.Text;
using System.Text.Json.Nodes;

namespace NannyOrleans.EndToEnd.Tests;

/// <summary>What is known of a cluster, its guests and a machine inside one of them, and how it follows what happens to them.</summary>
[Collection("one lab")] // one after the other: containers of two labs at once disturb each other on a small machine
public sealed class DiscoveryTests
{
    [Fact]
    public async Task A_guest_that_moves_stays_itself_and_one_that_is_destroyed_is_marked()
    {
        Cluster.NeedContainers();
        using var directory = new DataDirectory();
        await using var lab = new LabCluster(directory.PathOf("lab"));
        await lab.Verb("up", "--hosts", "2", "--containers", "4");
        await using var server = await Server.Start(directory.PathOf("data"));
        foreach (var host in (string[])["pve1", "pve2"])
        {
            await lab.Register(host, server);
            lab.StartAgent(host);
        }

        await server.Knows(hosts: 2, containers: 4);
        await server.PatchAgent("lxc-100", """{"tags": ["billing"], "notes": "Ask Kim."}""");
        await server.PatchToEnd("lxc-100", "dry-run");
        // The operation is told to have ended before its findings are in the index.
        var before = await server.Until(() => server.Get("/api/agents/lxc-100"), row => (int?)row["pending_updates"] is 4, "what the dry run found");

        // Moved: the same id, with all that was said and found of it, on the other node.
        await lab.Verb("migrate", "100", "pve2");
        var after = await server.Until(
            () => server.Get("/api/agents/lxc-100"), row => (string?)row["proxmox_node_name"] is "pve2" && (string?)row["status"] is "running", "lxc-100 to run on pve2");
        Assert.Equal((string?)before["id"], (string?)after["id"]);
        Assert.Equal(["billing", "prod", "web"], PatchingTests.Texts(after["tags"]));
        Assert.Equal("Ask Kim.", (string?)after["notes"]);
        Assert.Equal(4, (int?)after["pending_updates"]);
        Assert.NotEqual((string?)before["proxmox_parent_host"], (string?)after["proxmox_parent_host"]);
        Assert.Equal("succeeded", (string?)(await server.PatchToEnd("lxc-100", "dry-run"))["status"]);

        // Destroyed: still found, marked, and in no list that does not ask for it.
        await lab.Verb("destroy", "101");
        var gone = await server.Until(() => server.Get("/api/agents/lxc-101"), row => (string?)row["status"] is "deleted", "lxc-101 to be deleted");
        Assert.NotNull(gone["deleted_at"]);
        const string ThatOne = "/api/agents?filter=proxmox_vmid%3D%3D'101'";
        Assert.Empty((await server.Get(ThatOne)).AsArray());
        Assert.Single((await server.Get($"{ThatOne}&deleted=true")).AsArray());
        Assert.Contains("[deleted ", await server.Client.GetStringAsync("/api/topology?format=text"), StringComparison.Ordinal);
        Assert.Equal(409, (await server.Patch("lxc-101", "dry-run")).Status);

        // All of it after a restart of the server, too.
        await server.Restart();
        Assert.Equal("deleted", (string?)(await server.Get("/api/agents/lxc-101"))["status"]);
        await server.Until(() => server.Get("/api/agents/lxc-100"), row => (string?)row["status"] is "running", "lxc-100 to run after the restart");
        Assert.Equal("Ask Kim.", (string?)(await server.Get("/api/agents/lxc-100"))["notes"]);
    }

    [Fact]
    public async Task Facts_and_figures_are_those_of_the_host_and_its_containers()
    {
        Cluster.NeedContainers();
        using var directory = new DataDirectory();
        await using var lab = new LabCluster(directory.PathOf("lab"));
        await lab.Verb("up", "--hosts", "1", "--containers", "2");
        await using var server = await Server.Start(directory.PathOf("data"));
        await lab.Register("pve1", server);
        lab.StartAgent("pve1");
        await server.Knows(hosts: 1, containers: 2);

        var guest = await server.Get("/api/agents/lxc-100");
        Assert.Equal(1, (int?)guest["cores"]);
        Assert.Equal(512L << 20, (long?)guest["memory_bytes"]);
        Assert.Equal(4L << 30, (long?)guest["disk_bytes"]);
        Assert.Equal(["bc:24:11:00:00:64"], PatchingTests.Texts(guest["mac_addresses"]));
        Assert.Equal(["prod", "web"], PatchingTests.Texts(guest["tags"]));
        Assert.Equal("12", (string?)guest["os_version"]);
        Assert.True((bool?)guest["onboot"]);
        Assert.False((bool?)guest["ha_managed"]);
        Assert.True((long?)guest["uptime_seconds"] >= 0);

        // A container that works uses more than one that sleeps, as its host measures it.
        await lab.Inside(100, "sh", "-c", "(while :; do :; done) >/dev/null 2>&1 </dev/null &");
        var busy = await server.Until(() => server.Get("/api/agents/lxc-100"), row => (double?)row["cpu_percent"] > 10, "lxc-100 to be busy");
        Assert.True((long?)busy["memory_used_bytes"] > 0);
        Assert.True((double?)busy["cpu_percent"] > (double?)(await server.Get("/api/agents/lxc-101"))["cpu_percent"]);

        var host = await server.Until(() => server.Get("/api/agents/pve1"), row => row["cpu_percent"] is not null, "figures of pve1");
        Assert.Equal(Environment.ProcessorCount, (int?)host["cores"]);
        Assert.Equal(2, (int?)host["running_containers"]);
        Assert.Equal("6.17.4-1-pve", (string?)host["kernel"]);
        Assert.NotNull(host["reboot_required"]);
        Assert.NotNull(host["pending_updates"]);
        var metrics = await server.Get("/api/agents/pve1/metrics");
        Assert.Equal(2, (int?)metrics["points"]!.AsArray()[^1]!["running_containers"]);

        var cluster = (await server.Get("/api/clusters")).AsArray().Single()!;
        Assert.True((bool?)cluster["quorate"]);
        Assert.Equal(1, (int?)cluster["votes"]!["quorum"]);
        Assert.Equal(2, (int?)cluster["guest_count"]!["running_cts"]);
        Assert.Equal(1024L << 20, await MemoryOfContainers(server));
        Assert.NotEmpty(cluster["storages"]!.AsArray());

        // Asked to look anew, it does.
        var asked = await server.Client.PostAsync("/api/agents/lxc-100/discover", null);
        Assert.Equal(202, (int)asked.StatusCode);
        var at = (DateTimeOffset)JsonNode.Parse(await asked.Content.ReadAsStringAsync())!["requested_at"]!;
        await server.Until(() => server.Get("/api/agents/lxc-100"), row => (DateTimeOffset?)row["last_seen"] > at, "lxc-100 to be looked at");
    }

    [Fact]
    public async Task An_agent_inside_a_vm_is_linked_to_it_by_its_uuid()
    {
        Cluster.NeedContainers();
        using var directory = new DataDirectory();
        await using var lab = new LabCluster(directory.PathOf("lab"));
        await lab.Verb("up", "--hosts", "1", "--containers", "1");
        await using var server = await Server.Start(directory.PathOf("data"));
        await lab.Register("pve1", server);
        lab.StartAgent("pve1");
        await server.Knows(hosts: 1, containers: 1);
        var uuid = (string)(await server.Get("/api/agents/qemu-201"))["smbios_uuid"]!;

        // A machine is files below a root, as a lab's host is; there is nothing of Proxmox VE on this one.
        var machine = directory.PathOf("machine");
        foreach (var (file, text) in new Dictionary<string, string>
        {
            ["etc/hostname"] = "k8s-node-01\n",
            ["etc/machine-id"] = "0123456789abcdef0123456789abcdef\n",
            ["etc/os-release"] = "ID=rocky\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=9.4\nPRETTY_NAME=\"Rocky Linux 9.4\"\n",
            ["sys/class/dmi/id/product_uuid"] = uuid.ToUpperInvariant() + "\n",
            ["etc/nannyagent/config.yml"] = $"api_url: {server.Url}\nmetrics_interval: 5\nguest_discovery_interval: 10\n",
        })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(machine, file))!);
            await File.WriteAllTextAsync(Path.Combine(machine, file), text, Encoding.ASCII);
        }

        await LabCluster.RegisterMachine(machine, server);
        await using var agent = LabCluster.MachineAgent(machine, "run");
        var row = await server.Until(() => server.Get("/api/agents?filter=proxmox_role%3D%3D'vm'"), rows => rows.AsArray() is [{ } one] && one["os"] is not null, "the agent inside VM 201");
        Assert.Equal("201", (string?)row.AsArray()[0]!["proxmox_vmid"]);
        Assert.Equal("rhel", (string?)row.AsArray()[0]!["platform_family"]);
        var id = (string?)row.AsArray()[0]!["id"];
        Assert.Equal(id, (string?)(await server.Get("/api/agents/qemu-201"))["vm_agent"]);
        Assert.Contains($"VM 201: k8s-node-01 (l26) [Agent: {id}]", await server.Client.GetStringAsync("/api/topology?format=text"), StringComparison.Ordinal);
    }

    private static async Task<long?> MemoryOfContainers(Server server) =>
        (await server.Get("/api/agents?filter=proxmox_type%3D%3D'lxc'")).AsArray().Sum(row => (long?)row!["memory_bytes"]);
}
