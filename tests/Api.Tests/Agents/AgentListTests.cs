using System.Text.Json;
using NannyOrleans.Api.Tests.Support;

namespace NannyOrleans.Api.Tests.Agents;

public sealed class AgentListTests(SharedServer shared)
{
    [Fact] // The guide's own words and encodings.
    public async Task The_guides_three_questions_are_answered_with_its_fields()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var (container, machine) = (Some.Container() with { PrimaryAddress = "192.168.1.100", Addresses = ["192.168.1.100"] }, Some.Machine());
        await host.ConnectWith(shared.Server.Url, container, machine);

        var hosts = await List("?filter=proxmox_role%3D%3D'host'");
        Assert.All(hosts, row => Assert.Equal("host", row.GetProperty("proxmox_role").GetString()));
        var mine = hosts.Single(row => row.GetProperty("id").GetString() == host.Id.Value);
        Has(mine, JsonValueKind.String, "id", "hostname", "os_type", "platform_family", "proxmox_role", "proxmox_cluster", "proxmox_node_name", "last_seen");
        Has(mine, JsonValueKind.Number, "guest_count");
        Assert.Equal(("pve1", host.ClusterName, "debian", 2), (
            mine.GetProperty("proxmox_node_name").GetString(), mine.GetProperty("proxmox_cluster").GetString(),
            mine.GetProperty("platform_family").GetString(), mine.GetProperty("guest_count").GetInt32()));

        var guests = await List($"?filter=proxmox_parent_host%3D%3D'{host.Id}'");
        Assert.Equal([Some.GuestId(host, container), Some.GuestId(host, machine)], guests.Select(Id).Order(StringComparer.Ordinal));
        var web = guests.Single(row => row.GetProperty("proxmox_type").GetString() is "lxc");
        Has(web, JsonValueKind.String, "id", "name", "proxmox_vmid", "proxmox_type", "proxmox_parent_host", "os_type", "platform_family", "status");
        Assert.Equal("192.168.1.100", web.GetProperty("ip_address").GetString());
        Has(guests.Single(row => row.GetProperty("proxmox_type").GetString() is "qemu"), JsonValueKind.Null, "ip_address"); // not known, and not left out
        Assert.Equal(("running", container.Vmid.ToString(), host.Id.Value), (
            web.GetProperty("status").GetString(), web.GetProperty("proxmox_vmid").GetString(), web.GetProperty("proxmox_parent_host").GetString()));

        Assert.Equal([Some.GuestId(host, container)], (await List($"?filter=proxmox_parent_host%3D%3D'{host.Id}'%26%26proxmox_type%3D%3D'lxc'")).Select(Id));
    }

    [Fact]
    public async Task A_filter_compares_texts_whatever_is_in_them()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var (quoted, slashed, plain) = (Some.Container("it's \"so\""), Some.Container("back\\slash"), Some.Container("größe 😀"));
        await host.ConnectWith(shared.Server.Url, quoted, slashed, plain);
        var of = $"proxmox_parent_host=='{host.Id}'";

        Assert.Equal([quoted.Vmid.ToString()], await Vmids($"{of} && name=='it\\'s \"so\"'"));
        Assert.Equal([quoted.Vmid.ToString()], await Vmids($"{of} && name==\"it's \\\"so\\\"\""));
        Assert.Equal([slashed.Vmid.ToString()], await Vmids($"{of} && name=='back\\\\slash'"));
        Assert.Equal([plain.Vmid.ToString()], await Vmids($"{of} && name=='größe 😀'"));
        Assert.Equal(2, (await Vmids($"{of} && name!='back\\\\slash'")).Length);
        Assert.Equal(2, (await Vmids($"{of} && (name=='größe 😀' || name=='back\\\\slash')")).Length);

        // && binds closer than ||.
        Assert.Equal(2, (await Vmids($"{of} && name=='größe 😀' || {of} && name=='back\\\\slash'")).Length);
        Assert.Empty(await Vmids($"{of} && name==''"));
        Assert.Empty(await Vmids($"{of} && name=='GRÖSSE 😀'"));

        async Task<string[]> Vmids(string filter) => [.. (await List($"?filter={Uri.EscapeDataString(filter)}")).Select(row => row.GetProperty("proxmox_vmid").GetString()!)];
    }

    [Theory]
    [InlineData("colour=='red'")]
    [InlineData("ID=='x'")]
    [InlineData("id")]
    [InlineData("id==")]
    [InlineData("id=='x")]
    [InlineData("id==x")]
    [InlineData("id=='x' &&")]
    [InlineData("&& id=='x'")]
    [InlineData("id=='x' id=='y'")]
    [InlineData("id=='x' & id=='y'")]
    [InlineData("(id=='x'")]
    [InlineData("id=='x')")]
    [InlineData("()")]
    [InlineData("'x'==id")]
    [InlineData("tags<'x'")]
    [InlineData("template>true")]
    [InlineData("cores=='many'")]
    [InlineData("cores=='NaN'")]
    [InlineData("cores~'4'")]
    [InlineData("template==1")]
    [InlineData("last_seen>'yesterday'")]
    [InlineData("name~null")]
    [InlineData("name<null")]
    [InlineData("name==yes")]
    [InlineData("||")]
    [InlineData("id=='x' || ")]
    [InlineData("id=='x' and id=='y'")]
    [InlineData("!id=='x'")]
    [InlineData("!(id=='x')")]
    [InlineData("id===='x'")]
    [InlineData("id=='\\u12'")]
    [InlineData("id=='\\q'")]
    [InlineData("\\")]
    [InlineData("\0")]
    [InlineData("; drop table agents")]
    public async Task A_filter_that_means_nothing_is_refused_and_says_where(string filter) =>
        Assert.Matches("""\(column \d+\)\.?$""", (await shared.Admin.Get($"/api/agents?filter={Uri.EscapeDataString(filter)}")).NamesField("filter"));

    [Fact]
    public async Task An_unknown_field_is_answered_with_the_known_ones() =>
        Assert.Contains("proxmox_role", (await shared.Admin.Get("/api/agents?filter=colour=='red'")).NamesField("filter"), StringComparison.Ordinal);

    [Theory]
    [InlineData('(', 1000)]
    [InlineData('\'', 1000)]
    [InlineData('\\', 1000)]
    [InlineData('&', 1000)]
    [InlineData('=', 1000)]
    [InlineData('(', 51)]
    [InlineData('(', 2000)]
    [InlineData('a', 2001)]
    [InlineData('(', 2500)]
    public async Task The_longest_and_deepest_filter_does_not_bring_the_server_down(char of, int length)
    {
        Assert.Matches("""\(column \d+\)\.?$""", (await shared.Admin.Get($"/api/agents?filter={Uri.EscapeDataString(new(of, length))}")).NamesField("filter"));
        (await shared.Anonymous.Get("/healthz")).Is(200);
    }

    [Fact]
    public async Task A_filter_as_deep_as_it_may_be_works()
    {
        const string Inner = "id=='nobody'";
        const int Depth = (1000 - 12) / 2; // with the rest, the longest filter there may be
        Assert.Equal("[]", (await shared.Admin.Get($"/api/agents?filter={new string('(', Depth)}{Inner}{new string(')', Depth)}")).Is(200).Body);
    }

    [Theory]
    [InlineData("")]
    [InlineData("?filter=")]
    [InlineData("?filter=%20")]
    public async Task Without_a_filter_all_are_listed(string query)
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        Assert.Contains(host.Id.Value, (await List(query)).Select(Id));
    }

    [Fact]
    public async Task One_agent_is_found_by_all_its_names()
    {
        var cluster = Some.Cluster();
        await using var host = await HostPeer.Register(shared.Admin, cluster, $"pve-{cluster.Value[^8..]}");
        var container = Some.Container($"web {Some.Vmid()}");
        await host.ConnectWith(shared.Server.Url, container);
        string[] forms = [Some.GuestId(host, container), $"lxc-{container.Vmid}", $"guest-lxc-{container.Vmid}", $"lxc-{container.Vmid}-{container.Name}", container.Name, $"{container.Vmid}"];
        foreach (var form in forms)
        {
            Assert.Equal(Some.GuestId(host, container), (await shared.Admin.Get($"/api/agents/{Uri.EscapeDataString(form)}")).Is(200).Text("id"));
        }

        foreach (var form in (string[])[host.Id.Value, host.Node.Value])
        {
            Assert.Equal(host.Id.Value, (await shared.Admin.Get($"/api/agents/{form}")).Is(200).Text("id"));
        }
    }

    [Theory]
    [InlineData("nothing-like-it")]
    [InlineData("lxc-999999999")]
    [InlineData("%27%22%3Cb%3E")]
    [InlineData("..%2F..%2Fetc")]
    public async Task An_id_that_is_nobodys_is_not_found(string id) => (await shared.Admin.Get($"/api/agents/{id}")).IsProblem(404, "not-found");

    [Fact]
    public async Task A_name_of_two_things_is_answered_with_both()
    {
        var name = $"twin-{Some.Vmid()}";
        await using var one = await HostPeer.Register(shared.Admin, Some.Cluster());
        await using var other = await HostPeer.Register(shared.Admin, Some.Cluster());
        var (first, second) = (Some.Container(name), Some.Machine(name));
        await one.ConnectWith(shared.Server.Url, first);
        await other.ConnectWith(shared.Server.Url, second);

        var candidates = (await shared.Admin.Get($"/api/agents/{name}")).IsProblem(409, "ambiguous-id").GetProperty("candidates").EnumerateArray().ToArray();
        Assert.Equal(new[] { Some.GuestId(one, first), Some.GuestId(other, second) }.Order(StringComparer.Ordinal), candidates.Select(Id).Order(StringComparer.Ordinal));
        Assert.All(candidates, candidate => Has(candidate, JsonValueKind.String, "id", "name", "node", "cluster"));

        // What is offered works.
        foreach (var candidate in candidates)
        {
            (await shared.Admin.Get($"/api/agents/{Id(candidate)}")).Is(200);
        }
    }

    [Fact]
    public async Task What_a_silent_host_said_last_is_not_shown_as_the_present()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var container = Some.Container();
        await host.ConnectWith(shared.Server.Url, container);
        Assert.Equal("running", (await shared.Admin.Get($"/api/agents/{Some.GuestId(host, container)}")).Text("status"));
        await host.FallSilent(shared.Admin);
        var guest = await shared.Admin.Get($"/api/agents/{Some.GuestId(host, container)}");
        Assert.Equal(("unknown", "its node does not report"), (guest.Text("status"), guest.Text("problem")));
    }

    private static string Id(JsonElement row) => row.GetProperty("id").GetString()!;

    private static void Has(JsonElement row, JsonValueKind kind, params string[] fields) =>
        Assert.All(fields, field => Assert.True(row.TryGetProperty(field, out var value) && value.ValueKind == kind, $"{field} is not a {kind} in {row}"));

    private async Task<JsonElement[]> List(string query) => [.. (await shared.Admin.Get($"/api/agents{query}")).Is(200).Json.EnumerateArray()];
}
