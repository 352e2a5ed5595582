using System.Net;
using NannyOrleans.Api.Tests.Support;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Api.Tests.Devices;

public sealed class DeviceTests(SharedServer shared)
{
    private readonly string cluster = Some.Cluster().Value;

    [Fact]
    public async Task A_host_waits_until_a_person_approves_it_on_the_page()
    {
        var code = (await Ask()).Is(200);
        Assert.StartsWith(new Uri(shared.Server.Url, "/device").ToString(), code.Text("verification_uri_complete"), StringComparison.Ordinal);
        Assert.Matches("^[B-Z]{4}-[B-Z]{4}$", code.Text("user_code"));
        (await Poll(code)).IsOAuthError("authorization_pending");

        var page = (await shared.Anonymous.Get(new Uri(code.Text("verification_uri_complete")).PathAndQuery)).Is(200);
        Assert.Equal("text/html", page.ContentType);
        Assert.Contains(code.Text("user_code"), page.Body, StringComparison.Ordinal);
        Assert.Contains($"{cluster}/pve1", page.Body, StringComparison.Ordinal);
        (await Poll(code)).IsOAuthError("authorization_pending"); // looking is not approving

        var approved = (await ByPage(code, "approve")).Is(302);
        Assert.Contains("Location: /device/done", approved.Headers, StringComparison.Ordinal);
        Assert.Contains("Done", (await shared.Anonymous.Get("/device/done")).Is(200).Body, StringComparison.Ordinal);

        var tokens = (await Poll(code)).Is(200);
        var row = (await shared.Admin.Get($"/api/agents/{tokens.Text("agent_id")}")).Is(200);
        Assert.Equal(("host", "offline", "pve1.example"), (row.Text("proxmox_role"), row.Text("status"), row.Text("hostname")));
        Assert.Contains(tokens.Text("agent_id"), (await shared.Admin.Get("/api/agents")).Body, StringComparison.Ordinal);
        (await Poll(code)).IsOAuthError("invalid_grant"); // a code is good once
    }

    [Fact]
    public async Task Behind_a_proxy_on_this_machine_people_are_sent_to_the_address_they_know()
    {
        using var client = new HttpClient { BaseAddress = shared.Server.Url };
        using var ask = new HttpRequestMessage(HttpMethod.Post, Registration.DeviceEndpoint)
        {
            Headers = { { "X-Forwarded-Proto", "https" }, { "X-Forwarded-Host", "nanny.example.com" } },
            Content = new FormUrlEncodedContent(new Dictionary<string, string>
            {
                ["client_id"] = Registration.ClientId,
                ["scope"] = "agent offline_access",
                [Registration.Hostname] = "pve1.example",
                [Registration.Node] = "pve1",
                [Registration.Cluster] = cluster,
                [Registration.ClusterName] = "lab",
            }),
        };
        var answer = await client.SendAsync(ask);
        Assert.Contains("\"verification_uri\": \"https://nanny.example.com/device\"", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_that_does_not_prove_that_it_is_of_its_cluster_is_refused_and_may_try_again()
    {
        var cluster = Some.Cluster();
        var first = await Approved("pve1");
        (await HostPeer.Poll(shared.Anonymous, first)).Is(200);

        // The second proves it, by the code that was made for it alone.
        var second = await Approved("pve2");
        foreach (var wrong in new (string, string)[][]
        {
            [], [(Membership.ProofParameter, "")], [(Membership.ProofParameter, Proof("another code", "pve2"))], [(Membership.ProofParameter, Proof(second, "pve1"))],
            [(Membership.KeyParameter, Convert.ToBase64String(Membership.KeyOf("of another cluster"u8)))],
        })
        {
            Assert.Contains(cluster.Value, (await HostPeer.Poll(shared.Anonymous, second, wrong)).IsOAuthError(Membership.Unproven), StringComparison.Ordinal);
        }

        var tokens = (await HostPeer.Poll(shared.Anonymous, second, (Membership.ProofParameter, Proof(second, "pve2")))).Is(200);

        // An impostor who has the name of a host that is there does not replace its agent, though a person let him in.
        var impostor = await Approved("pve2");
        (await HostPeer.Poll(shared.Anonymous, impostor, (Membership.KeyParameter, Convert.ToBase64String(Membership.KeyOf("an impostor's"u8))))).IsOAuthError(Membership.Unproven);
        (await shared.Admin.Get($"/api/agents/{tokens.Text("agent_id")}")).Is(200);

        async Task<string> Approved(string node)
        {
            var code = (await HostPeer.AskForCode(shared.Anonymous, cluster.Value, node, node, "lab")).Is(200);
            (await shared.Admin.PostForm("/device", ("user_code", code.Text("user_code")), ("decision", "approve"))).Is(302);
            return code.Text("device_code");
        }

        string Proof(string code, string node) => Convert.ToBase64String(Membership.Proof(HostPeer.MembershipKey, code, cluster, NodeName.Parse(node)));
    }

    [Fact]
    public async Task A_revoked_agent_is_cut_off_at_once_and_opens_nothing_until_it_is_approved_again()
    {
        var cluster = Some.Cluster();
        await using var host = await HostPeer.Register(shared.Admin, cluster);
        var web = Some.Container();
        await host.ConnectWith(shared.Server.Url, web);
        var running = (await shared.Admin.PostLikeCurl("/api/patches", Some.Order(Some.GuestId(host, web)))).Is(202).Text("operation_id");
        var job = await host.NextJob();
        (await shared.Admin.PostLikeCurl($"/api/agents/{Some.GuestId(host, web)}/revoke", "")).IsProblem(409, "no-agent");
        (await shared.Admin.PostLikeCurl($"/api/agents/{host.Id}/revoke", "")).Is(204);
        await host.Closed.Within("the connection to be cut");

        await Assert.ThrowsAnyAsync<Exception>(() => host.ConnectWith(shared.Server.Url, web));
        (await shared.Anonymous.Refresh(Registration.ClientId, host.RefreshToken)).IsOAuthError("invalid_grant");
        (await shared.Admin.With(host.AccessToken).Get("/api/scripts/apt-update.sh/content")).IsProblem(403, "forbidden");
        (await shared.Admin.Get($"/api/agents/{host.Id}")).IsProblem(404, "not-found");
        Assert.Equal("interrupted", (await shared.Admin.Get($"/api/patches/{running}")).Is(200).Text("status"));
        Assert.Contains((await shared.Admin.Get("/api/audit?limit=1000")).Json.EnumerateArray(), entry => entry.GetProperty("action").GetString() is "revoke-agent" && entry.GetProperty("target").GetString() == host.Id.Value);

        await using var again = await HostPeer.Register(shared.Admin, cluster);
        await again.ConnectWith(shared.Server.Url, web);
        Assert.NotEqual(host.Id, again.Id);
        Assert.True(again.HasNoJob()); // what the one before had begun is not begun again
        Assert.NotNull(job);
    }

    [Fact]
    public async Task A_host_is_approved_from_a_command_line()
    {
        var code = await Ask();
        (await shared.Admin.PostForm("/device", ("user_code", code.Text("user_code").ToLowerInvariant().Replace("-", " ", StringComparison.Ordinal)), ("decision", "approve"))).Is(302);
        (await Poll(code)).Is(200);
    }

    [Fact]
    public async Task A_host_that_is_denied_is_told_so_and_not_known()
    {
        var code = await Ask();
        (await ByPage(code, "deny")).Is(302);
        (await Poll(code)).IsOAuthError("access_denied");
        Assert.DoesNotContain(cluster, (await shared.Admin.Get("/api/topology")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_code_is_decided_once()
    {
        var code = await Ask();
        (await shared.Admin.PostForm("/device", ("user_code", code.Text("user_code")), ("decision", "approve"))).Is(302);
        (await shared.Admin.PostForm("/device", ("user_code", code.Text("user_code")), ("decision", "approve"))).IsProblem(400, "bad-request");
        (await ByPage(code, "deny")).Is(400);
        (await Poll(code)).Is(200);
    }

    [Theory]
    [InlineData("BBBB-BBBB")] // well-formed, never given out
    [InlineData("no such code")]
    [InlineData("'\"<b>\u0001")]
    [InlineData("")]
    public async Task A_code_nobody_was_given_is_refused(string code)
    {
        (await shared.Anonymous.PostForm("/device", ("user_code", code), ("username", "admin"), ("password", SharedServer.Password), ("decision", "approve"))).Is(400);
        (await shared.Admin.PostForm("/device", ("user_code", code), ("decision", "approve"))).IsProblem(400, "bad-request");
        var page = await shared.Anonymous.Get($"/device?user_code={Uri.EscapeDataString(code)}");
        Assert.True(page.Status is 400 || (code.Length is 0 && page.Status is 200), page.ToString()); // without a code the page asks for it
        Assert.DoesNotContain("<b>", page.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_page_asks_for_the_code_where_it_has_none_and_for_the_password_once_it_has_said_what_for()
    {
        var first = (await shared.Anonymous.Get("/device")).Is(200).Body;
        Assert.Contains("name=\"user_code\"", first, StringComparison.Ordinal);
        Assert.DoesNotContain("password", first, StringComparison.Ordinal);

        var code = (await Ask()).Is(200).Text("user_code");
        var second = (await shared.Anonymous.Get($"/device?user_code={code.ToLowerInvariant()}")).Is(200).Body;
        Assert.Contains("<form method=\"post\" action=\"/device\">", second, StringComparison.Ordinal);
        Assert.Contains("type=\"password\"", second, StringComparison.Ordinal);
        Assert.Contains($"<strong>{code}</strong>", second, StringComparison.Ordinal); // as the host shows it, however it was typed
        Assert.InRange(second.IndexOf("pve1.example", StringComparison.Ordinal), 0, second.IndexOf("type=\"password\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_decision_is_approve_or_deny()
    {
        var code = await Ask();
        (await shared.Admin.PostForm("/device", ("user_code", code.Text("user_code")))).IsProblem(400, "bad-request");
        (await ByPage(code, "perhaps")).Is(400);
        (await Poll(code)).IsOAuthError("authorization_pending");
    }

    [Fact]
    public async Task Nobody_approves_without_being_an_administrator()
    {
        var code = await Ask();
        (await shared.Admin.With("garbage").PostForm("/device", ("user_code", code.Text("user_code")), ("decision", "approve"))).IsProblem(401, "unauthorized");
        (await shared.Anonymous.PostForm("/device", ("user_code", code.Text("user_code")), ("username", "nobody"), ("password", "x"), ("decision", "approve"))).Is(403);
        (await Poll(code)).IsOAuthError("authorization_pending");
    }

    [Theory]
    [InlineData("not-a-code")]
    [InlineData("3EXfEPi-ZkaLkw_f2QRmQFYwF-zNjUWRUz9UlyRdHYw")]
    public async Task A_device_code_nobody_was_given_is_refused(string deviceCode) =>
        (await HostPeer.Poll(shared.Anonymous, deviceCode)).IsOAuthError("invalid_grant");

    [Theory]
    [InlineData(Registration.Cluster, null)]
    [InlineData(Registration.Cluster, "C0123456789ABCDEF")]
    [InlineData(Registration.Cluster, "c0123456789abcdef/../x")]
    [InlineData(Registration.Node, null)]
    [InlineData(Registration.Node, "-pve")]
    [InlineData(Registration.Node, "pve/1")]
    [InlineData(Registration.Hostname, null)]
    [InlineData(Registration.Hostname, "two\nlines")]
    [InlineData(Registration.ClusterName, null)]
    [InlineData(Registration.ClusterName, "\u202Eevil")]
    public async Task What_a_host_says_of_itself_must_be_whole(string parameter, string? value)
    {
        (string Name, string Value)[] good = [(Registration.Cluster, cluster), (Registration.Node, "pve1"), (Registration.Hostname, "pve1"), (Registration.ClusterName, "lab")];
        var about = good.Where(field => field.Name != parameter).Concat(value is null ? [] : [(parameter, value)]).ToArray();
        Assert.Contains($"'{parameter}'", (await HostPeer.AskForCode(shared.Anonymous, about)).IsOAuthError("invalid_request"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_of_a_client_that_is_not_ours_opens_nothing()
    {
        (await shared.Anonymous.PostForm(Registration.DeviceEndpoint, ("client_id", "somebody"), ("scope", "agent"))).Is(401);
        (await HostPeer.AskForCode(shared.Anonymous, (Registration.Cluster, cluster), ("scope", "api"))).Is(400);
    }

    [Fact]
    public async Task An_agent_cannot_ask_for_a_persons_scope() =>
        (await shared.Anonymous.PostForm(
            Registration.DeviceEndpoint, ("client_id", Registration.ClientId), ("scope", "agent api"), (Registration.Cluster, cluster),
            (Registration.Node, "pve1"), (Registration.Hostname, "pve1"), (Registration.ClusterName, "lab"))).IsOAuthError("invalid_request");

    [Fact]
    public async Task What_a_host_calls_itself_is_text_on_the_page_not_markup()
    {
        const string Name = "<script>alert('x')</script>";
        var code = (await HostPeer.AskForCode(shared.Anonymous, cluster, "pve1", Name, "\"><img src=x>")).Is(200);
        var page = await shared.Anonymous.Get($"/device?user_code={code.Text("user_code")}");
        Assert.Contains(WebUtility.HtmlEncode("<script>"), page.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("<img", page.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_agent_renews_its_token_and_stays_the_same_agent()
    {
        var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var renewed = (await shared.Anonymous.Refresh(Registration.ClientId, host.RefreshToken)).Is(200);
        Assert.Equal(host.Id.Value, renewed.Text("agent_id"));
        (await shared.Admin.With(renewed.Text("access_token")).Get("/api/scripts/apt-update.sh/content")).Is(200);

        // An agent that lost power before it stored the new one comes with the old one again.
        (await shared.Anonymous.Refresh(Registration.ClientId, host.RefreshToken)).Is(200);
    }

    [Fact]
    public async Task Registering_a_node_again_ends_its_former_agent()
    {
        var known = Some.Cluster();
        await using var former = await HostPeer.Register(shared.Admin, known);
        await former.ConnectWith(shared.Server.Url, Some.Container());

        await using var present = await HostPeer.Register(shared.Admin, known);
        await former.Closed.Within("the former agent to be cut off");
        Assert.NotEqual(former.Id, present.Id);
        Assert.Contains("another one was approved", (await shared.Anonymous.Refresh(Registration.ClientId, former.RefreshToken)).IsOAuthError("invalid_grant"), StringComparison.Ordinal);
        (await shared.Anonymous.Refresh(Registration.ClientId, present.RefreshToken)).Is(200);

        // Its token is good for an hour yet, but not for the hub.
        await former.Connect(shared.Server.Url);
        await former.Closed.Within("the former agent to be refused");

        (await shared.Admin.Get($"/api/agents/{former.Id}")).IsProblem(404, "not-found");
        await present.ConnectWith(shared.Server.Url);
        Assert.Equal("online", (await shared.Admin.Get($"/api/agents/{present.Id}")).Text("status"));
    }

    private Task<Answer> Ask() => HostPeer.AskForCode(shared.Anonymous, cluster, "pve1", "pve1.example", "lab");

    private Task<Answer> Poll(Answer code) => HostPeer.Poll(shared.Anonymous, code.Text("device_code"));

    private Task<Answer> ByPage(Answer code, string decision) => shared.Anonymous.PostForm(
        "/device", ("user_code", code.Text("user_code")), ("username", "admin"), ("password", SharedServer.Password), ("decision", decision));
}
