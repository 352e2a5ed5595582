using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.SignalR;
using NannyOrleans.Api.Tests.Support;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Api.Tests.Agents;

/// <summary>Reports that no honest agent sends: they cost their sender an error and nobody anything else.</summary>
public sealed class HostileReportTests(SharedServer shared)
{
    /// <summary>One thing wrong each: where in a good report, and what stands there instead.</summary>
    private static readonly (string Where, string Is)[] WrongInventories =
    [
        ("collected_at", "\"yesterday\""), ("collected_at", "null"), ("agent_version", "null"), ("hostname", "5"), ("hostname", "\"LONG\""), ("pve_version", "\"LONG\""),
        ("problems", "null"), ("problems", "[null]"), ("problems", "[5]"), ("problems", "[\"LONG\"]"), ("problems", "\"none\""),
        ("interval_seconds", "0"), ("interval_seconds", "-1"), ("interval_seconds", "86401"), ("interval_seconds", "1e99"), ("interval_seconds", "null"), ("interval_seconds", "\"300\""),
        ("fingerprint", "\"LONG\""), ("fingerprint", "5"), ("node", "\"../etc\""), ("node", "\"\""), ("cluster_id", "\"lab\""),
        ("guests", "{}"), ("guests", "[null]"), ("guests", "[[]]"), ("guests", "\"all\""),
        ("guests/0/vmid", "99"), ("guests/0/vmid", "-100"), ("guests/0/vmid", "1000000000"), ("guests/0/vmid", "100.5"), ("guests/0/vmid", "\"100\""), ("guests/0/vmid", "null"), ("guests/0/vmid", "1e3"),
        ("guests/0/type", "\"docker\""), ("guests/0/type", "0"), ("guests/0/type", "null"), ("guests/0/status", "\"zombie\""), ("guests/0/status", "1"),
        ("guests/0/name", "null"), ("guests/0/name", "[\"x\"]"), ("guests/0/name", "\"LONG\""), ("guests/0/template", "\"no\""), ("guests/0/template", "null"),
        ("guests/0/cores", "-1"), ("guests/0/cores", "2.5"), ("guests/0/memory_bytes", "-1"), ("guests/0/memory_bytes", "9223372036854775808"), ("guests/0/swap_bytes", "-1"),
        ("guests/0/disks", "[null]"), ("guests/0/disks", "[{\"key\":\"rootfs\",\"volume\":\"x\",\"size_bytes\":-1,\"path\":null}]"), ("guests/0/disks", "[{\"key\":\"rootfs\"}]"),
        ("guests/0/networks", "[null]"), ("guests/0/addresses", "[null]"), ("guests/0/addresses", "[\"LONG\"]"), ("guests/0/tags", "[null]"), ("guests/0/tags", "{}"),
        ("guests/0/os", "{\"id\":\"debian\",\"id_like\":[null],\"version_id\":null,\"pretty_name\":null}"), ("guests/0/os", "{}"), ("guests/0/smbios_uuid", "\"LONG\""), ("guests/0/started_at", "-1"),
        ("guests/1/vmid", "SAME"), // twice
        ("gone", "[null]"), ("gone", "[{\"vmid\":500,\"node\":null,\"deleted\":true},{\"vmid\":500,\"node\":null,\"deleted\":true}]"),
        ("cluster/name", "null"), ("cluster/name", "\"LONG\""), ("cluster/quorate", "null"), ("cluster/quorate", "\"yes\""), ("cluster/members", "null"), ("cluster/members", "[null]"),
        ("cluster/members", "[{\"node\":\"pve 1\",\"online\":true,\"votes\":1}]"), ("cluster/members", "[{\"node\":\"pve1\",\"online\":true,\"votes\":-1}]"), ("cluster/members", "[{\"node\":\"pve1\",\"online\":true,\"votes\":2147483647}]"),
        ("cluster/members", "MANY"), ("cluster/qdevice", "{\"model\":\"net\",\"host\":null,\"algorithm\":null,\"votes\":-1,\"voting\":true}"), ("cluster/guests_by_node", "{\"pve1\":null}"), ("cluster/guests_by_node", "{\"..\":[100]}"), ("cluster/guests_by_node", "{\"pve1\":[5]}"),
        ("cluster/ha", "{\"used\":true,\"master\":null,\"manager_active\":true,\"nodes\":{\"pve1\":null},\"services_in_error\":[]}"), ("cluster/ceph", "{\"health\":null,\"checks\":[null],\"problem\":null}"),
        ("host", "{\"cores\":-1}"), ("host", "{\"memory_bytes\":-1}"), ("host", "{\"pending_updates\":-1}"), ("host", "{\"addresses\":[null]}"), ("host", "{\"macs\":[\"LONG\"]}"), ("host", "{\"reboot_required\":\"yes\"}"), ("host", "[]"),
        ("storages", "[null]"), ("storages", "[{\"name\":\"x\",\"type\":\"dir\",\"content\":[null],\"shared\":false,\"status\":\"available\",\"used_bytes\":1,\"total_bytes\":2,\"health\":null}]"),
        ("storages", "[{\"name\":\"x\",\"type\":\"dir\",\"content\":[],\"shared\":false,\"status\":\"available\",\"used_bytes\":-1,\"total_bytes\":2,\"health\":null}]"), ("storages", "[{\"name\":\"LONG\",\"type\":\"dir\",\"content\":[],\"shared\":false,\"status\":\"available\",\"used_bytes\":1,\"total_bytes\":2,\"health\":null}]"),
    ];

    private static readonly (string Where, string Is)[] WrongSamples =
    [
        ("collected_at", "null"), ("interval_seconds", "0"), ("interval_seconds", "3601"), ("interval_seconds", "null"), ("interval_seconds", "1e99"),
        ("cpu_percent", "-1"), ("cpu_percent", "1e999"), ("cpu_percent", "1e300"), ("cpu_percent", "\"NaN\""), ("cpu_percent", "true"), ("cores", "-1"), ("cores", "1.5"), ("uptime_seconds", "-1"),
        ("load", "{}"), ("load", "{\"one\":-1,\"five\":0,\"fifteen\":0}"), ("load", "{\"one\":1e999,\"five\":0,\"fifteen\":0}"), ("load", "[1,2,3]"),
        ("memory", "{\"used_bytes\":-1,\"total_bytes\":5}"), ("memory", "{\"used_bytes\":1}"), ("swap", "{\"used_bytes\":1,\"total_bytes\":-5}"), ("memory", "{\"used_bytes\":1,\"total_bytes\":1e30}"),
        ("mounts", "[null]"), ("mounts", "[{\"path\":null,\"type\":\"ext4\",\"usage\":{\"used_bytes\":1,\"total_bytes\":2}}]"), ("mounts", "[{\"path\":\"/\",\"type\":\"ext4\",\"usage\":null}]"), ("mounts", "[{\"path\":\"LONG\",\"type\":\"ext4\",\"usage\":{\"used_bytes\":1,\"total_bytes\":2}}]"),
        ("network_in_per_second", "-0.5"), ("network_out_per_second", "1e18"),
        ("guests", "[null]"), ("guests/0/vmid", "5"), ("guests/0/cpu_cores", "-1"), ("guests/0/cpu_cores", "1e308"), ("guests/0/memory", "{\"used_bytes\":-1,\"total_bytes\":0}"), ("guests/0/status", "\"zombie\""), ("guests/0/network_in_per_second", "1e999"),
        ("guests/1/vmid", "SAME"), // twice: it was an error of every view of the cluster
        ("storages", "[null]"), ("storages", "[{\"name\":\"x\",\"usage\":{\"used_bytes\":-1,\"total_bytes\":2}}]"), ("problems", "[null]"), ("problems", "[\"LONG\"]"), ("ha_state", "\"LONG\""), ("quorate", "\"yes\""),
    ];

    [Fact]
    public async Task A_report_with_one_thing_wrong_is_refused_and_the_last_good_one_stays()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var (web, vm) = (Some.Container(), Some.Machine());
        var inventory = Some.Inventory(host, web, vm);
        await host.ConnectWith(shared.Server.Url, web, vm);
        await host.ReportMetrics(Some.Metrics(Some.Measured(web), Some.Measured(vm)));
        await Waiting.Until(() => shared.Admin.Get($"/api/agents/{host.Id}"), row => row.Json.GetProperty("cpu_percent").ValueKind is JsonValueKind.Number, "the sample");
        var before = await Views(host);

        foreach (var (where, what) in WrongInventories)
        {
            await IsRefused(host, AgentHub.ReportInventory, Json(inventory), where, what);
        }

        foreach (var (where, what) in WrongSamples)
        {
            await IsRefused(host, AgentHub.ReportMetrics, Json(Some.Metrics(Some.Measured(web), Some.Measured(vm))), where, what);
        }

        Assert.Equal(before, await Views(host));
        await host.ReportInventory(inventory); // and the connection still is
    }

    [Fact]
    public async Task A_report_at_the_bounds_is_taken_and_shown_without_harm()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var evil = "\u0000\u0007\u001b[2J\r\n\u202E<script>'\"\\ 😀" + new string('x', 900);
        GuestDisk[] disks = [.. Enumerable.Range(0, 5).Select(i => new GuestDisk($"scsi{i}", evil, long.MaxValue, evil))];
        GuestSeen[] guests =
        [
            Some.Container(evil) with { Cores = int.MaxValue, MemoryBytes = long.MaxValue, SwapBytes = long.MaxValue, Disks = disks, Tags = [evil], Addresses = [evil], PrimaryAddress = evil, StartedAt = DateTimeOffset.MaxValue, Problem = evil, Os = new(evil, [evil], evil, evil) },
            Some.Machine(evil) with { Cores = int.MaxValue, MemoryBytes = long.MaxValue, Disks = disks, StartedAt = DateTimeOffset.MinValue, SmbiosUuid = evil, Networks = [new(evil, evil, evil, evil)], Lock = evil, HaState = evil },
        ];
        await host.Connect(shared.Server.Url);
        var inventory = Some.Inventory(host, guests);
        Assert.False((await host.ReportInventory(inventory with
        {
            CollectedAt = DateTimeOffset.MinValue,
            Hostname = evil,
            AgentVersion = evil,
            PveVersion = evil,
            IntervalSeconds = 86400,
            Fingerprint = evil,
            Problems = [evil],
            Cluster = new(evil, true, [.. Enumerable.Range(0, 255).Select(i => new MemberSeen(NodeName.Parse($"n{i}-{host.Cluster.Value[^8..]}"), true, 100_000)), new(host.Node, true, 1)]) { Ceph = new(evil, [evil], evil) },
            Host = new() { Cores = int.MaxValue, MemoryBytes = long.MaxValue, PendingUpdates = int.MaxValue, Macs = [evil], RepositoryProblems = [evil], BootedAt = DateTimeOffset.MaxValue },
            Storages = [new(evil, evil, [evil], false, evil, long.MaxValue, long.MaxValue, evil)],
        })).NeedsWhole);
        await host.ReportMetrics(Some.Metrics([.. guests.Select(guest => Some.Measured(guest) with { CpuCores = 1e15, Memory = new(long.MaxValue, long.MaxValue), NetworkInPerSecond = 1e15, DiskReadPerSecond = 1e15 })]) with
        {
            CollectedAt = DateTimeOffset.MaxValue,
            CpuPercent = 1e15,
            Cores = int.MaxValue,
            Load = new(1e15, 1e15, 1e15),
            Memory = new(long.MaxValue, long.MaxValue),
            UptimeSeconds = long.MaxValue,
            NetworkInPerSecond = 1e15,
            Mounts = [new("/", evil, new(long.MaxValue, long.MaxValue))],
            HaState = evil,
        });
        await Waiting.Until(() => shared.Admin.Get($"/api/agents/{host.Id}"), row => row.Json.GetProperty("cpu_percent").ValueKind is JsonValueKind.Number, "the sample");

        await Views(host);
        (await shared.Admin.Get($"/api/agents/{host.Id}/metrics")).Is(200);
        foreach (var sort in (string[])["name", "disk_bytes", "-cpu_percent", "tags", "uptime_seconds"])
        {
            (await shared.Admin.Get($"/api/agents?sort={sort}&filter=disk_bytes>1%26%26name~'script'")).Is(200);
        }

        var guest = (await shared.Admin.Get($"/api/agents/{Some.GuestId(host, guests[0])}")).Is(200);
        Assert.Equal((evil, long.MaxValue), (guest.Text("name"), guest.Json.GetProperty("disk_bytes").GetInt64()));
        Assert.Equal(evil, (await shared.Admin.Get($"/api/agents/{Uri.EscapeDataString(evil[1..])}")).Status is 404 ? evil : string.Empty);
        var tree = (await shared.Admin.Get("/api/topology?format=text")).Is(200).Body;
        Assert.DoesNotContain(tree, c => (char.IsControl(c) && c is not '\n') || c is '\u202E');
        (await shared.Admin.Patch($"/api/agents/{Some.GuestId(host, guests[0])}", """{"platform_family":"debian"}""")).Is(200);
        (await shared.Admin.PostLikeCurl("/api/patches", Some.Order(Some.GuestId(host, guests[0])))).Is(202);
    }

    [Fact]
    public async Task A_report_for_another_node_or_cluster_is_refused_and_audited_once()
    {
        var cluster = Some.Cluster();
        await using var host = await HostPeer.Register(shared.Admin, cluster);
        await using var neighbour = await HostPeer.Register(shared.Admin, cluster, "pve2");
        var (mine, theirs, forged) = (Some.Container(), Some.Container(), Some.Container());
        await host.ConnectWith(shared.Server.Url, mine);
        await neighbour.ConnectWith(shared.Server.Url, theirs);
        var before = (await shared.Admin.Get($"/api/clusters/{cluster}/guests")).Is(200).Body;

        // One that is only broken comes first, and must not take the place of the worse one.
        await Assert.ThrowsAsync<HubException>(() => host.ReportInventory(Some.Inventory(host, mine, mine)));
        foreach (var foreign in new[]
        {
            Some.Inventory(host, forged) with { Node = neighbour.Node, ClusterId = cluster }, Some.Inventory(host, forged) with { Node = neighbour.Node },
            Some.Inventory(host, forged) with { ClusterId = Some.Cluster() }, Some.Inventory(host, forged) with { Node = host.Node, ClusterId = Some.Outside() },
        })
        {
            var refusal = await Assert.ThrowsAsync<HubException>(() => host.ReportInventory(foreign));
            Assert.Contains($"registered as {host.Node} of {cluster}", refusal.Message, StringComparison.Ordinal);
        }

        Assert.Equal(before, (await shared.Admin.Get($"/api/clusters/{cluster}/guests")).Is(200).Body);
        (await shared.Admin.Get($"/api/agents/{forged.Vmid}")).IsProblem(404, "not-found");
        var entries = (await shared.Admin.Get($"/api/audit?cluster={cluster}&action=report-inventory")).Is(200).Json.EnumerateArray().Where(one => one.GetProperty("target").GetString() == $"{cluster}/{host.Node}").ToArray();
        Assert.Equal(["bad-inventory", "not-its-own-node"], entries.Select(entry => entry.GetProperty("result").GetString()!).Order(StringComparer.Ordinal));
        Assert.All(entries, entry => Assert.Equal(($"agent {host.Id}", "report-inventory"), (entry.GetProperty("actor").GetString(), entry.GetProperty("action").GetString())));
        Assert.Contains($"{neighbour.Node} of {cluster}", entries[0].GetProperty("detail").GetString(), StringComparison.Ordinal); // the newest first

        // Its own name and cluster are its to say.
        Assert.False((await host.ReportInventory(Some.Inventory(host, mine) with { Node = host.Node, ClusterId = cluster })).NeedsWhole);
    }

    public static TheoryData<string> Frames =>
    [
        "garbage", "{", "[]", "null", "5", "\"x\"", "{}", "{\"type\":\"1\"}", "{\"type\":1}", "{\"type\":1,\"target\":null,\"arguments\":[]}", "{\"type\":1,\"invocationId\":\"1\",\"target\":\"ReportInventory\",\"arguments\":{}}",
        "{\"type\":1,\"invocationId\":\"1\",\"target\":\"ReportInventory\",\"arguments\":[{\"collected_at\":\"2026-", "{\"type\":1,\"invocationId\":\"1\",\"target\":\"ReportInventory\",\"arguments\":[]}",
        "{\"type\":1,\"invocationId\":\"1\",\"target\":\"ReportInventory\",\"arguments\":[null]}", "{\"type\":1,\"invocationId\":\"1\",\"target\":\"ReportMetrics\",\"arguments\":[{\"collected_at\":\"2026-11-23T12:00:00Z\",\"interval_seconds\":30,\"cpu_percent\":NaN}]}",
        "{\"type\":1,\"invocationId\":\"1\",\"target\":\"ReportMetrics\",\"arguments\":[{\"collected_at\":\"2026-11-23T12:00:00Z\",\"interval_seconds\":30,\"cpu_percent\":Infinity}]}",
        "{\"type\":1,\"invocationId\":\"1\",\"target\":\"ReportMetrics\",\"arguments\":[{\"collected_at\":\"2026-11-23T12:00:00Z\",\"interval_seconds\":30,\"ha_state\":\"\\ud800\"}]}",
        "{\"type\":1,\"invocationId\":\"1\",\"target\":\"ReportMetrics\",\"arguments\":[DEEP]}", "{\"type\":1,\"invocationId\":\"1\",\"target\":\"ReportMetrics\",\"arguments\":[{\"collected_at\":\"2026-11-23T12:00:00Z\",\"interval_seconds\":30,\"mounts\":DEEP}]}",
        "{\"type\":4,\"invocationId\":\"1\",\"target\":\"ReportMetrics\",\"arguments\":[{\"collected_at\":\"2026-11-23T12:00:00Z\",\"interval_seconds\":30}]}",
        "{\"type\":1,\"invocationId\":\"1\",\"target\":\"OnConnectedAsync\",\"arguments\":[]}", "{\"type\":1,\"invocationId\":\"1\",\"target\":\"Dispose\",\"arguments\":[]}", "\u0000\u0001\u0002", "\\xff",
    ];

    [Theory]
    [MemberData(nameof(Frames))]
    public async Task A_frame_that_is_no_message_is_an_error_or_the_end_of_its_own_connection(string frame)
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var guest = Some.Container();
        await host.ConnectWith(shared.Server.Url, guest);
        var before = (await shared.Admin.Get($"/api/clusters/{host.Cluster}/guests")).Is(200).Body;
        using var raw = await RawPeer.Connect(shared.Server.Url, host.AccessToken);
        byte[] bytes = frame is "\\xff" ? [0xff, 0xfe, 0xc3, 0x28, 0x1e] : Encoding.UTF8.GetBytes(frame.Replace("DEEP", new string('[', 5000) + new string(']', 5000), StringComparison.Ordinal) + RawPeer.End);
        await raw.Send(bytes);
        await raw.Send(Encoding.UTF8.GetBytes(RawPeer.Call("NoSuchMethod", string.Empty))); // answered in any case, unless it was cut
        if (await raw.Answer() is { } answer)
        {
            Assert.Contains("\"error\":", answer, StringComparison.Ordinal);
            HasNoInsides(answer);
        }

        (await shared.Anonymous.Get("/healthz")).Is(200);
        Assert.Equal(before, (await shared.Admin.Get($"/api/clusters/{host.Cluster}/guests")).Is(200).Body);
        await host.ConnectWith(shared.Server.Url, guest);
    }

    [Fact]
    public async Task A_report_beyond_all_bounds_ends_its_own_connection_and_the_last_good_one_stays()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var guest = Some.Container();
        await host.ConnectWith(shared.Server.Url, guest);
        var before = (await shared.Admin.Get($"/api/clusters/{host.Cluster}/guests")).Is(200).Body;
        await Assert.ThrowsAnyAsync<Exception>(() => host.ReportInventory(Some.Inventory(host, guest with { Name = new('x', 10_000_000) })));
        await host.Closed.Within("the connection with the oversized report to be cut");
        Assert.Equal(before, (await shared.Admin.Get($"/api/clusters/{host.Cluster}/guests")).Is(200).Body);

        // A message that never ends is cut at the same bound, binary or not.
        foreach (var binary in (bool[])[false, true])
        {
            using var raw = await RawPeer.Connect(shared.Server.Url, host.AccessToken);
            await raw.Send(Encoding.UTF8.GetBytes(new string(' ', 5 * 1024 * 1024)), binary);
            Assert.True(await raw.Answer() is null or ['{', '"', 't', 'y', 'p', 'e', '"', ':', '7', ..]);
        }

        await host.ConnectWith(shared.Server.Url, guest);
    }

    [Fact]
    public async Task A_large_honest_report_is_taken()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var guests = Enumerable.Range(0, 3000).Select(_ => Some.Container() with { Addresses = ["10.0.0.1"], Disks = [new("rootfs", "local-zfs:subvol-100-disk-0", 8L << 30, "/")], Tags = ["prod"] }).ToArray();
        await host.ConnectWith(shared.Server.Url, guests);
        var page = (await shared.Admin.Get($"/api/agents?filter=proxmox_parent_host=='{host.Id}'&per_page=10")).Is(200);
        Assert.Equal("3000", page.Header("X-Total-Count"));
    }

    private static JsonObject Json<T>(T report) =>
        JsonSerializer.SerializeToNode(report, ProtocolJson.Default.GetTypeInfo(typeof(T)) ?? throw new InvalidOperationException($"{typeof(T)} is not sent."))!.AsObject();

    private static async Task IsRefused(HostPeer host, string method, JsonObject report, string where, string what)
    {
        var steps = where.Split('/');
        JsonNode at = report;
        foreach (var step in steps[..^1])
        {
            at = int.TryParse(step, CultureInfo.InvariantCulture, out var index) ? at[index]! : at[step]!;
        }

        at[steps[^1]] = what switch
        {
            "SAME" => report["guests"]![0]!["vmid"]!.DeepClone(),
            "MANY" => new JsonArray([.. Enumerable.Range(0, 257).Select(i => JsonNode.Parse($$"""{"node":"n{{i}}","online":true,"votes":1}"""))]),
            _ => JsonNode.Parse(what.Replace("LONG", new string('x', 5000), StringComparison.Ordinal)),
        };
        var refusal = await Record.ExceptionAsync(() => host.Call(method, JsonElement.Parse(report.ToJsonString())));
        Assert.True(refusal is HubException, $"{method} with {where}: {what} gave {refusal?.ToString() ?? "no error"}");
        HasNoInsides(refusal!.Message);
    }

    private static void HasNoInsides(string message)
    {
        foreach (var inside in (string[])["   at ", "NannyOrleans.", "System.", "Exception:", "/src/", "Orleans."])
        {
            Assert.DoesNotContain(inside, message.Replace("HubException: ", string.Empty, StringComparison.Ordinal), StringComparison.Ordinal); // SignalR's own word for a refusal
        }
    }

    private async Task<string> Views(HostPeer host)
    {
        var text = new StringBuilder();
        foreach (var path in (string[])[$"/api/clusters/{host.Cluster}", $"/api/clusters/{host.Cluster}/nodes", $"/api/clusters/{host.Cluster}/guests", $"/api/agents?filter=id=='{host.Id}'||proxmox_parent_host=='{host.Id}'".Replace("||", "%7C%7C", StringComparison.Ordinal)])
        {
            text.AppendLine((await shared.Admin.Get(path)).Is(200).Body);
        }

        (await shared.Admin.Get("/api/topology")).Is(200);
        (await shared.Admin.Get("/api/clusters")).Is(200);
        return text.ToString();
    }
}
