using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using NannyOrleans.Browsing;
using static Microsoft.Playwright.Assertions;

namespace NannyOrleans.Dashboard.Tests;

/// <summary>What people come for, from one page to the next.</summary>
public sealed class JourneyTests(Installation installation)
{
    private Server Server => installation.Server;

    [Fact]
    public Task Somebody_signs_in_sees_whether_the_clusters_are_safe_and_signs_out() => installation.Browse(Look.Moving, async tab =>
    {
        await tab.VisitStill("/topology");
        Assert.EndsWith("/signin?return=%2Ftopology", tab.Page.Url);
        await SignIn(tab.Page, Person.Viewer.Name, "not the password");
        tab.Expects("403: POST");
        await Expect(tab.Page.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        await SignIn(tab.Page, Person.Viewer.Name, Person.Password);
        await tab.IsLive();
        Assert.EndsWith("/topology", tab.Page.Url); // where the person wanted to go
        await tab.Page.GetByRole(AriaRole.Link, new() { Name = "Fleet" }).ClickAsync();
        var lab = tab.Page.GetByRole(AriaRole.Region, new() { Name = "Cluster lab" });
        await Expect(lab).ToContainTextAsync("Quorate");
        await Expect(lab).ToContainTextAsync("3 of 3 votes, 2 needed");
        await Expect(lab).ToContainTextAsync("3 nodes");
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await Expect(tab.Page).ToHaveTitleAsync("NannyOrleans: Sign in");
        await tab.VisitStill("/");
        await Expect(tab.Page).ToHaveTitleAsync("NannyOrleans: Sign in");
    });

    [Fact]
    public Task A_machine_that_is_let_in_appears_without_a_reload() => installation.Browse(Look.Moving, Person.Administrator, async tab =>
    {
        using var directory = new DataDirectory();
        await tab.Visit("/agents");
        await Expect(tab.Page.GetByText("db-01").First).ToBeVisibleAsync();
        await tab.Mark();
        var root = await OutsideMachine.Make(directory.PathOf("machine"), "watched-01", Server);
        await LabCluster.RegisterMachine(root, Server);
        await using var agent = LabCluster.MachineAgent(root, "run");
        await Expect(tab.Page.GetByText("watched-01").First).ToBeVisibleAsync();
        Assert.True(await tab.IsMarked(), "The page was loaded anew.");
    });

    // Or a long list would end before its end: where rows out of sight are left out, the place they take is measured as soon as it is set.
    [Fact]
    public Task The_place_that_a_row_takes_is_there_at_once_where_movement_is_not_wanted() => installation.Browse(Look.Light, Person.Viewer, async tab =>
    {
        await tab.Visit("/guests");
        await Expect(tab.Page.GetByText("cache-server").First).ToBeVisibleAsync();
        Assert.Equal(5000, await tab.Page.EvaluateAsync<double>("""
            () => {
                const reserved = document.querySelector(".agents tbody tr:last-child");
                reserved.getBoundingClientRect();
                reserved.style.height = "5000px";
                return reserved.getBoundingClientRect().height;
            }
            """));
    });

    [Fact]
    public Task Updates_are_looked_for_and_applied_without_one_and_what_is_printed_is_seen_meanwhile() => installation.Browse(Look.Moving, Person.Operator, async tab =>
    {
        const int vmid = 102;
        await installation.Lab.Inside(vmid, "sh", "-c", "echo 6 >/etc/lab-slow.seconds");
        await tab.Visit($"/guests/lxc-{vmid}");
        await Expect(tab.Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToContainTextAsync("cache-server");
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Look for updates" }).ClickAsync();
        await Expect(tab.Page.Locator("h1 + p .chip")).ToContainTextAsync("succeeded");
        await Expect(tab.Page.GetByText("lab-web").First).ToBeVisibleAsync();
        Assert.Equal(LabCluster.Old, await installation.Lab.Versions(vmid)); // looking changes nothing

        await tab.Visit($"/guests/lxc-{vmid}");
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Apply updates…" }).ClickAsync();
        var dialog = tab.Page.GetByRole(AriaRole.Dialog);
        await dialog.GetByLabel("lab-db").UncheckAsync();
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Apply", Exact = true }).ClickAsync();

        // While the package that takes its time is configured.
        await Expect(tab.Page.Locator("h1 + p .chip")).ToContainTextAsync("running");
        await Expect(tab.Page.GetByRole(AriaRole.Log)).ToContainTextAsync("Setting up lab-");
        await Expect(tab.Page.Locator("h1 + p .chip")).ToContainTextAsync("running");
        await Expect(tab.Page.Locator("h1 + p .chip")).ToContainTextAsync("succeeded");
        var after = new Dictionary<string, string>(LabCluster.New) { ["lab-db"] = LabCluster.Old["lab-db"] };
        Assert.Equal(after, await installation.Lab.Versions(vmid));
        await tab.Visit($"/guests/lxc-{vmid}");
        await Expect(tab.Page.GetByRole(AriaRole.Table, new() { Name = "History" })).ToContainTextAsync("3 packages upgraded");
    });

    [Fact]
    public Task A_campaign_is_planned_started_held_back_resumed_and_ended() => installation.Browse(Look.Moving, Person.Administrator, async tab =>
    {
        // It comes to the first reboot and asks for approval, which nobody gives.
        await tab.Visit($"/campaigns/new?cluster={installation.ClusterId}&set=mode:apply&set=reboot:always&set=approve_reboots:true&set=drain:leave&set=accept_repository_problems:true");
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Show the plan" }).ClickAsync();
        await Expect(tab.Page.GetByRole(AriaRole.Heading, new() { Name = "3. What would happen" })).ToBeVisibleAsync();
        await Expect(tab.Page.GetByRole(AriaRole.Main)).ToContainTextAsync("It walks 3 nodes");
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Start the campaign…" }).ClickAsync();
        await tab.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Start" }).ClickAsync();
        await Expect(tab.Page).ToHaveURLAsync(new Regex($"/campaigns/{installation.ClusterId}/[^/]+$"));
        await Expect(tab.Page.GetByRole(AriaRole.Heading, new() { Name = "awaits approval" })).ToBeVisibleAsync();
        await Expect(tab.Page.GetByRole(AriaRole.Button, new() { Name = "Approve it…" })).ToBeVisibleAsync();
        await tab.Page.HasNoSeriousViolation(); // votes over time, waiting conditions
        await Say("Pause…", "Pause it", "paused");
        await Say("Resume…", "Resume it", "running");
        await Say("Abort…", "Abort it", "aborted");
        Assert.Equal(["online", "online", "online"], (await Server.Get("/api/agents")).AsArray().Where(row => (string?)row!["proxmox_role"] is "host").Select(row => (string?)row!["status"]));

        async Task Say(string button, string sure, string becomes)
        {
            await tab.Page.GetByRole(AriaRole.Button, new() { Name = button }).ClickAsync();
            await tab.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = sure }).ClickAsync();
            await Expect(tab.Page.Locator("h1 + p .chip").First).ToContainTextAsync(becomes);
        }
    });

    [Fact]
    public Task A_reboot_that_is_approved_on_the_campaigns_page_happens_and_its_end_is_seen_without_a_reload() => installation.Browse(Look.Moving, Person.Approver, async tab =>
    {
        var boot = await installation.Lab.BootId("pve2");
        var (status, campaign) = await Server.Send(HttpMethod.Post, $"/api/clusters/{installation.ClusterId}/campaigns", new JsonObject
        {
            ["mode"] = "apply",
            ["nodes"] = new JsonArray("pve2"),
            ["reboot"] = "always",
            ["approve_reboots"] = true,
            ["drain"] = "leave",
            ["accept_repository_problems"] = true,
            ["limits"] = new JsonObject { ["settle_seconds"] = 0 },
        });
        Assert.True(status is 202, $"{status}: {campaign}");

        // It is found among those that are not over, where its node waits for somebody.
        await tab.Visit("/campaigns");
        await tab.Page.GetByRole(AriaRole.Heading, new() { Name = "lab", Exact = true }).GetByRole(AriaRole.Link).ClickAsync();
        await Expect(tab.Page).ToHaveURLAsync(new Regex($"/campaigns/{installation.ClusterId}/{campaign!["id"]}$"));
        await Expect(tab.Page.GetByRole(AriaRole.Heading, new() { Name = "The reboot of pve2 awaits approval" })).ToBeVisibleAsync();
        Assert.Equal(boot, await installation.Lab.BootId("pve2"));
        await tab.Mark();
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Approve it…" }).ClickAsync();
        await tab.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Approve the reboot" }).ClickAsync();
        await Expect(tab.Page.Locator("h1 + p .chip").First).ToContainTextAsync("completed");
        Assert.True(await tab.IsMarked(), "The page was loaded anew.");
        Assert.NotEqual(boot, await installation.Lab.BootId("pve2"));
        var timeline = (await Server.Get($"/api/clusters/{installation.ClusterId}/campaigns/{campaign["id"]}/timeline")).AsArray();
        Assert.Contains(timeline, happened => ((string?)happened!["text"])!.Contains(Person.Approver.Name, StringComparison.Ordinal));

        await tab.Visit("/campaigns");
        await Expect(tab.Page.GetByRole(AriaRole.Table)).ToContainTextAsync("completed");
        await Server.Knows(hosts: 3, containers: 6); // for whoever comes after
    });

    [Fact]
    public Task A_note_that_somebody_else_writes_is_seen_without_a_reload() => installation.Browse(Look.Moving, Person.Viewer, async tab =>
    {
        await tab.Visit("/guests/lxc-103");
        await tab.Mark();
        var note = $"note {Guid.NewGuid():N}";
        await Server.PatchAgent("lxc-103", new JsonObject { ["notes"] = note }.ToJsonString());
        await Expect(tab.Page.GetByText(note)).ToBeVisibleAsync();
        Assert.True(await tab.IsMarked(), "The page was loaded anew.");
    });

    [Fact]
    public Task Who_may_only_look_is_offered_nothing_else() => installation.Browse(Look.Moving, Person.Viewer, async tab =>
    {
        await tab.Visit("/guests/lxc-100");
        await Expect(tab.Page.GetByRole(AriaRole.Heading, new() { Name = "Resources" })).ToBeVisibleAsync();
        await Expect(tab.Page.GetByRole(AriaRole.Button, new() { Name = "Apply updates…" })).ToHaveCountAsync(0);
        await Expect(tab.Page.GetByRole(AriaRole.Link, new() { Name = "People" })).ToHaveCountAsync(0);
        foreach (var path in new[] { "/people", "/audit" })
        {
            await tab.Visit(path);
            await Expect(tab.Page.GetByRole(AriaRole.Main)).ToContainTextAsync("administrator");
        }
    });

    [Fact]
    public Task Who_has_one_cluster_sees_no_other_machine() => installation.Browse(Look.Moving, Person.OfOneCluster, async tab =>
    {
        await tab.Visit("/topology");
        await Expect(tab.Page.GetByRole(AriaRole.Main)).ToContainTextAsync("web-server-01");
        await Expect(tab.Page.GetByText("db-01")).ToHaveCountAsync(0);
        await tab.Visit("/search?q=db-01");
        await Expect(tab.Page.GetByText("0 rows")).ToBeVisibleAsync();
        await tab.Visit("/agents");
        await Expect(tab.Page.GetByText("pve1").First).ToBeVisibleAsync();
        await Expect(tab.Page.GetByText("db-01")).ToHaveCountAsync(0);
    });

    [Fact]
    public Task A_machine_outside_Proxmox_has_a_page_under_its_node_too() => installation.Browse(Look.Moving, Person.Viewer, async tab =>
    {
        var row = (await Server.Get("/api/agents/db-01"))!;
        foreach (var path in new[] { "/nodes/m0123456789abcdef/db-01", $"/agents/{row["id"]}" })
        {
            await tab.Visit(path);
            await Expect(tab.Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToContainTextAsync("db-01");
        }
    });

    [Theory]
    [InlineData("cache-server", "cache-server")] // a name
    [InlineData("105", "proxy-server")] // a number
    [InlineData("10.99.0.104", "dns-server")] // an address
    [InlineData("it's \\ \"quoted\" 'twice'", null)] // nothing, and no error
    public Task Anything_is_found_by_a_part_of_it(string typed, string? found) => installation.Browse(Look.Moving, Person.Viewer, async tab =>
    {
        await tab.Visit("/settings");
        await tab.Page.GetByRole(AriaRole.Searchbox).FillAsync(typed);
        await tab.Page.Keyboard.PressAsync("Enter");
        await Expect(tab.Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToContainTextAsync("Search for");
        await (found is null
            ? Expect(tab.Page.GetByText("0 rows")).ToBeVisibleAsync()
            : Expect(tab.Page.GetByRole(AriaRole.Link, new() { Name = found })).ToBeVisibleAsync());
    });

    [Fact]
    public async Task A_new_installation_says_how_its_first_host_is_connected()
    {
        Installation.Need();
        using var directory = new DataDirectory();
        await using var empty = await ServerProcess.Start(directory.PathOf("data"), Person.Password);
        await using var tab = await installation.Open(Look.Phone, empty.Url);
        await Chromium.SignIn(tab.Page.Context, empty.Url, "admin", Person.Password);
        await tab.Visit("/");
        await Expect(tab.Page.GetByRole(AriaRole.Heading, new() { Name = "Connect the first host" })).ToBeVisibleAsync();
        await Expect(tab.Page.GetByRole(AriaRole.Main)).ToContainTextAsync($"nannyagent register --api-url {empty.Url.ToString().TrimEnd('/')}");
        await tab.Page.HasNoSeriousViolation();
        Assert.False(await tab.IsTooWide(), "It is wider than the phone.");
        Assert.Empty(tab.Complaints);
    }

    private static async Task SignIn(IPage page, string name, string password)
    {
        await page.GetByLabel("User name").FillAsync(name);
        await page.GetByLabel("Password").FillAsync(password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
    }
}
