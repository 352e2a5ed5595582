using System.Text.Json;
using System.Text.RegularExpressions;
using NannyOrleans.Api.Tests.Support;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Api.Tests.Agents;

/// <summary>Filters over all kinds of fields, order, and pages.</summary>
public sealed partial class AgentPageTests(SharedServer shared)
{
    [Fact]
    public async Task Every_kind_of_field_is_compared_as_what_it_is()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var web = Some.Container("Web-One") with { Cores = 4, MemoryBytes = 2L << 30, Tags = ["prod", "web"], OnBoot = true, Addresses = ["10.0.0.5", "fd00::5"], PrimaryAddress = "10.0.0.5" };
        var db = Some.Container("db") with { Cores = 16, MemoryBytes = 8L << 30, Tags = [], OnBoot = false, Status = GuestStatus.Stopped };
        var vm = Some.Machine("windows") with { OsType = "win11", SmbiosUuid = Some.Uuid(), Lock = "backup" };
        await host.ConnectWith(shared.Server.Url, web, db, vm);

        foreach (var (filter, expected) in new (string, GuestSeen[])[]
        {
            ("cores==4", [web]), ("cores=='4'", [web]), ("cores>4", [db]), ("cores>=4", [web, db]), ("cores<16", [web]), ("cores!=4", [db, vm]),
            ("cores==null", [vm]), ("cores!=null", [web, db]), ("memory_bytes>2147483648", [db]), ("memory_bytes>1e9", [web, db]),
            ("name~'WEB'", [web]), ("name!~'web'", [db, vm]), ("name~'o'", [web, vm]), ("name=='web-one'", []), ("name='db'", [db]),
            ("tags=='prod'", [web]), ("tags~'pr'", [web]), ("tags!='prod'", [db, vm]), ("ip_addresses==\"fd00::5\"", [web]), ("ip_address==null", [db, vm]),
            ("onboot==true", [web]), ("onboot==false", [db]), ("onboot!=true", [db, vm]), ("onboot==null", [vm]), ("template==false", [web, db, vm]),
            ("status=='stopped'", [db]), ("os_type=='windows'", [vm]), ("platform_family==null", [vm]), ("lock=='backup'", [vm]),
            ($"smbios_uuid=='{vm.SmbiosUuid}'", [vm]), ($"proxmox_vmid<'{db.Vmid}'", [web]), ($"proxmox_vmid>={db.Vmid}", [db, vm]),
            ("last_seen>'2020-01-01T00:00:00Z'", [web, db, vm]), ("last_seen<'2020-01-01'", []), ("pending_updates==0", []), ("pending_updates==null", [web, db, vm]),
            ("(name=='db'||name=='windows')&&cores>1", [db]), ("name=='db'||name=='windows'&&cores>1", [db]), ("name=='windows'&&cores>1||name=='db'", [db]),
            (" ( name == 'db' ) ", [db]), ("((name=='db'))||(((lock=='backup')))", [db, vm]), ("proxmox_role!='guest'", []), ("hostname!=null", []),
        })
        {
            var rows = (await shared.Admin.Get($"/api/agents?filter={Uri.EscapeDataString($"proxmox_parent_host=='{host.Id}' && ({filter})")}")).Is(200).Json.EnumerateArray();
            Assert.True(expected.Select(guest => Some.GuestId(host, guest)).SequenceEqual(rows.Select(Id)), $"{filter}: {string.Join(", ", rows.Select(row => row.GetProperty("name")))}");
        }
    }

    [Theory]
    [InlineData("colour=='red'", 1)]
    [InlineData("id=='x' && colour=='red'", 12)]
    [InlineData("id==x", 5)]
    [InlineData("id=='x' id=='y'", 9)]
    [InlineData("id=='x' & id=='y'", 9)]
    [InlineData("(id=='x'", 9)]
    [InlineData("id=='x' &&", 11)]
    public async Task The_column_is_that_of_the_first_thing_that_makes_no_sense(string filter, int column) =>
        Assert.EndsWith($"(column {column})", (await shared.Admin.Get($"/api/agents?filter={Uri.EscapeDataString(filter)}")).NamesField("filter"), StringComparison.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData("&sort=name")]
    [InlineData("&sort=-cores,name")]
    [InlineData("&sort=status")] // all equal
    [InlineData("&sort=cpu_percent")] // not known of any
    public async Task Following_next_shows_every_row_exactly_once(string sort)
    {
        var cluster = Some.Cluster();
        await using var one = await HostPeer.Register(shared.Admin, cluster);
        await using var other = await HostPeer.Register(shared.Admin, cluster, "pve2");
        var guests = Enumerable.Range(0, 20).Select(i => Some.Container(i % 3 is 0 ? $"{i}" : i % 3 is 1 ? $"{i}x" : "same") with { Cores = i % 4 is 0 ? null : i }).ToArray();
        await one.ConnectWith(shared.Server.Url, guests[..11]);
        await other.ConnectWith(shared.Server.Url, guests[11..]);
        var of = $"/api/agents?filter={Uri.EscapeDataString($"proxmox_cluster=='{one.ClusterName}'")}{sort}";

        var all = (await shared.Admin.Get(of)).Is(200);
        Assert.Equal("22", all.Header("X-Total-Count"));
        Assert.Null(all.Header("Link"));
        var whole = all.Json.EnumerateArray().Select(Id).ToArray();
        Assert.Equal(22, whole.Distinct().Count());
        Assert.DoesNotContain("$type", all.Body, StringComparison.Ordinal);

        var (pages, next) = (new List<string[]>(), $"{of}&per_page=5");
        while (next is not null)
        {
            var page = (await shared.Admin.Get(next)).Is(200);
            Assert.Equal("22", page.Header("X-Total-Count"));
            pages.Add([.. page.Json.EnumerateArray().Select(Id)]);
            next = Link(page, "next");
            Assert.Equal(pages.Count > 1, Link(page, "prev") is not null);
            Assert.True(pages.Count <= 5, "The pages do not end.");
        }

        Assert.Equal([5, 5, 5, 5, 2], pages.Select(page => page.Length));
        Assert.Equal(whole, pages.SelectMany(page => page));

        var last = (await shared.Admin.Get(Link((await shared.Admin.Get($"{of}&page=1&per_page=5")).Is(200), "last")!)).Is(200);
        Assert.Equal(pages[^1], last.Json.EnumerateArray().Select(Id));
        Assert.Equal(pages[0], (await shared.Admin.Get(Link(last, "first")!)).Is(200).Json.EnumerateArray().Select(Id));
        var beyond = (await shared.Admin.Get($"{of}&page=2000000&per_page=1000")).Is(200);
        Assert.Equal(("[]", "22"), (beyond.Body, beyond.Header("X-Total-Count")));
        Assert.Equal(whole, (await shared.Admin.Get($"{of}&page=1")).Json.EnumerateArray().Select(Id)); // 100 a page, without saying so
    }

    [Fact]
    public async Task Rows_are_sorted_by_what_a_field_is_and_what_is_not_known_comes_last_either_way()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var (nine, ten, none) = (Some.Container("9") with { Cores = 9 }, Some.Container("10") with { Cores = 10 }, Some.Container("1x"));
        await host.ConnectWith(shared.Server.Url, nine, ten, none);
        var of = $"?filter={Uri.EscapeDataString($"proxmox_parent_host=='{host.Id}'")}&sort=";
        foreach (var (sort, expected) in new (string, string[])[]
        {
            ("cores", ["9", "10", "1x"]), ("-cores", ["10", "9", "1x"]), ("name", ["9", "10", "1x"]), ("-name", ["1x", "10", "9"]), ("proxmox_vmid", ["9", "10", "1x"]),
            ("-proxmox_vmid", ["1x", "10", "9"]), ("status,-cores", ["10", "9", "1x"]), ("%20-cores%20,%20name", ["10", "9", "1x"]),
        })
        {
            Assert.Equal(expected, (await shared.Admin.Get($"/api/agents{of}{sort}")).Is(200).Json.EnumerateArray().Select(row => row.GetProperty("name").GetString()!));
        }
    }

    [Fact]
    public async Task A_deleted_guest_is_listed_only_where_it_is_asked_for()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var (stays, goes) = (Some.Container(), Some.Container());
        await host.ConnectWith(shared.Server.Url, stays, goes);
        await host.ReportInventory(Some.Placed(host, stays));
        var of = $"?filter={Uri.EscapeDataString($"proxmox_parent_host=='{host.Id}'")}";

        Assert.Equal([Some.GuestId(host, stays)], (await shared.Admin.Get($"/api/agents{of}")).Is(200).Json.EnumerateArray().Select(Id));
        Assert.Equal([Some.GuestId(host, stays)], (await shared.Admin.Get($"/api/agents{of}&deleted=false")).Is(200).Json.EnumerateArray().Select(Id));
        var both = (await shared.Admin.Get($"/api/agents{of}&deleted=true")).Is(200);
        Assert.Equal("2", both.Header("X-Total-Count"));
        var gone = both.Json.EnumerateArray().Single(row => Id(row) == Some.GuestId(host, goes));
        Assert.Equal("deleted", gone.GetProperty("status").GetString());
        Assert.Equal(JsonValueKind.String, gone.GetProperty("deleted_at").ValueKind);
        Assert.Equal([Some.GuestId(host, goes)], (await shared.Admin.Get($"/api/agents{of}%26%26deleted_at!=null&deleted=true")).Is(200).Json.EnumerateArray().Select(Id));
        Assert.Equal(1, (await shared.Admin.Get($"/api/agents/{host.Id}")).Json.GetProperty("guest_count").GetInt32());

        // It keeps its id, and nothing is patched that is not there.
        Assert.Equal("deleted", (await shared.Admin.Get($"/api/agents/{Some.GuestId(host, goes)}")).Is(200).Text("status"));
        (await shared.Admin.PostLikeCurl("/api/patches", Some.Order(Some.GuestId(host, goes)))).IsProblem(409, "deleted");
        Assert.Contains($"LXC {goes.Vmid}: {goes.Name} (Debian GNU/Linux 12 (bookworm)) [Agentless] [deleted ", (await shared.Admin.Get("/api/topology?format=text")).Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sort=colour", "sort")]
    [InlineData("sort=-", "sort")]
    [InlineData("sort=name,,cores", "sort")]
    [InlineData("sort=name%20desc", "sort")]
    [InlineData("sort=id,id,id,id,id,id,id,id,id", "sort")]
    [InlineData("page=0", "page")]
    [InlineData("page=-1", "page")]
    [InlineData("page=1.5", "page")]
    [InlineData("page=", "page")]
    [InlineData("page=99999999999999999999", "page")]
    [InlineData("page=1&page=2", "page")]
    [InlineData("per_page=0", "per_page")]
    [InlineData("per_page=1001", "per_page")]
    [InlineData("per_page=all", "per_page")]
    [InlineData("deleted=1", "deleted")]
    [InlineData("deleted=TRUE", "deleted")]
    [InlineData("filters=proxmox_role=='host'", "filters")] // would list, and have a script patch, everything
    [InlineData("perpage=5", "perpage")]
    [InlineData("Page=1", "Page")]
    public async Task What_is_wrong_with_a_list_is_named(string query, string field) =>
        Assert.NotEqual(string.Empty, (await shared.Admin.Get($"/api/agents?{query}")).NamesField(field));

    [Fact]
    public async Task All_that_is_wrong_is_said_at_once()
    {
        var errors = (await shared.Admin.Get("/api/agents?filter=x&sort=x&page=x&per_page=x&deleted=x")).IsProblem(400, "invalid-request").GetProperty("errors");
        Assert.Equal(["deleted", "filter", "page", "per_page", "sort"], errors.EnumerateObject().Select(error => error.Name).Order(StringComparer.Ordinal));
    }

    private static string? Link(Answer page, string relation) =>
        LinkHeader().Matches(page.Header("Link") ?? string.Empty).SingleOrDefault(link => link.Groups[2].Value == relation)?.Groups[1].Value;

    [GeneratedRegex("<([^>]+)>; rel=\"([a-z]+)\"")]
    private static partial Regex LinkHeader();

    private static string Id(JsonElement row) => row.GetProperty("id").GetString()!;
}
