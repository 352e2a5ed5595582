using System.Reflection;
using Microsoft.AspNetCore.SignalR.Client;
using NannyOrleans.Api.Tests.Support;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Api.Tests.Http;

/// <summary>Who may call what, for every endpoint there is: one that is in no list here fails a test.</summary>
public sealed class AccessTests(SharedServer shared)
{
    private static readonly string[] ForEverybody = ["GET /healthz", "GET /readyz", "POST /api/session"];

    private static readonly string[] ForAgents = ["GET /api/scripts/{name}/content"];

    // What a person must be allowed, on one cluster at least; "everywhere": on all; "nothing": it is his own.
    private static readonly Dictionary<string, string> ForPeople = new()
    {
        ["GET /api/agents"] = "view",
        ["GET /api/agents/{id}"] = "view",
        ["PATCH /api/agents/{id}"] = "operate",
        ["POST /api/agents/{id}/discover"] = "operate",
        ["POST /api/agents/{id}/revoke"] = "administer",
        ["GET /api/agents/{id}/metrics"] = "view",
        ["POST /api/agents/{id}/diagnose"] = "operate",
        ["GET /api/diagnoses/{id}"] = "view",
        ["GET /api/topology"] = "view",
        ["GET /api/clusters"] = "view",
        ["GET /api/clusters/{id}"] = "view",
        ["GET /api/clusters/{id}/nodes"] = "view",
        ["GET /api/clusters/{id}/guests"] = "view",
        ["GET /api/campaigns"] = "view",
        ["POST /api/clusters/{cluster}/campaigns"] = "operate",
        ["GET /api/clusters/{cluster}/campaigns"] = "view",
        ["POST /api/clusters/{cluster}/campaigns/plan"] = "view",
        ["GET /api/clusters/{cluster}/campaigns/{id}"] = "view",
        ["GET /api/clusters/{cluster}/campaigns/{id}/plan"] = "view",
        ["GET /api/clusters/{cluster}/campaigns/{id}/timeline"] = "view",
        ["POST /api/clusters/{cluster}/campaigns/{id}/pause"] = "operate",
        ["POST /api/clusters/{cluster}/campaigns/{id}/resume"] = "operate",
        ["POST /api/clusters/{cluster}/campaigns/{id}/abort"] = "operate",
        ["POST /api/clusters/{cluster}/campaigns/{id}/approve"] = "approve",
        ["GET /api/packages/exceptions"] = "view",
        ["POST /api/packages/exceptions"] = "operate",
        ["GET /api/packages/exceptions/{id}"] = "view",
        ["PATCH /api/packages/exceptions/{id}"] = "operate",
        ["DELETE /api/packages/exceptions/{id}"] = "operate",
        ["POST /api/patches"] = "operate",
        ["GET /api/patches"] = "view",
        ["GET /api/patches/{id}"] = "view",
        ["POST /api/patches/{id}/cancel"] = "operate",
        ["GET /api/patches/{id}/output"] = "view",
        ["GET /api/patches/batches/{id}"] = "view",
        ["POST /api/patches/batches/{id}/cancel"] = "operate",
        ["POST /api/reboots"] = "operate",
        ["GET /api/reboots"] = "view",
        ["GET /api/reboots/{id}"] = "view",
        ["POST /api/reboots/{id}/cancel"] = "operate",
        ["GET /api/scripts"] = "view",
        ["POST /api/scripts"] = "administer everywhere",
        ["GET /api/scripts/{id}"] = "view",
        ["DELETE /api/scripts/{id}"] = "administer everywhere",
        ["POST /api/scripts/{id}/validate"] = "view",
        ["GET /api/server"] = "view",
        ["GET /api/audit"] = "administer everywhere",
        ["GET /api/audit/export"] = "administer everywhere",
        ["GET /api/people"] = "administer everywhere",
        ["POST /api/people"] = "administer everywhere",
        ["GET /api/people/{person}"] = "administer everywhere",
        ["PATCH /api/people/{person}"] = "administer everywhere",
        ["DELETE /api/people/{person}"] = "administer everywhere",
        ["DELETE /api/people/{person}/second-factor"] = "administer everywhere",
        ["GET /api/session"] = "nothing",
        [SignOut] = "nothing",
        ["GET /api/tokens"] = "nothing",
        ["POST /api/tokens"] = "nothing",
        ["DELETE /api/tokens/{id}"] = "nothing",
        ["POST /api/account/password"] = "nothing",
        ["GET /api/account/second-factor"] = "nothing",
        ["POST /api/account/second-factor"] = "nothing",
        ["POST /api/account/second-factor/confirm"] = "nothing",
        ["POST /api/account/second-factor/remove"] = "nothing",
    };

    private const string SignOut = "DELETE /api/session";

    // Not in the document: OAuth's own, a page, SignalR, the document itself.
    private static readonly string[] HiddenForEverybody = ["GET /device", "POST /device", "GET /device/done", "POST /connect/device", "POST /connect/token", "POST /connect/revoke", "GET /connect/authorize", "POST /connect/authorize", "GET /signin/done", "GET /signin", "POST /signin", "POST /signout"];

    private static readonly string[] HiddenForAgents = ["GET /hubs/agent", "POST /hubs/agent", "POST /hubs/agent/negotiate?negotiateVersion=1"];

    private static readonly Dictionary<string, string> HiddenForPeople = new() { ["GET /openapi/v1.json"] = "administer everywhere", ["GET /metrics"] = "administer everywhere" };

    // What each role opens, for all clusters or for one alone.
    private static readonly Dictionary<string, string[]> Opens = new()
    {
        [""] = ["nothing"],
        ["viewer"] = ["nothing", "view"],
        ["operator"] = ["nothing", "view", "operate"],
        ["approver"] = ["nothing", "view", "approve"],
        ["administrator"] = ["nothing", "view", "operate", "approve", "administer", "administer everywhere"],
    };

    [Fact]
    public async Task Every_endpoint_of_the_document_is_in_one_list_here()
    {
        var documented = await Documented();
        Assert.Equal([.. ForEverybody.Concat(ForAgents).Concat(ForPeople.Keys).Order(StringComparer.Ordinal)], documented.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Without_a_token_only_health_and_the_device_flow_answer()
    {
        foreach (var endpoint in (await Documented()).Except(ForEverybody).Concat(HiddenForAgents).Concat(HiddenForPeople.Keys))
        {
            (await Call(shared.Anonymous, endpoint)).IsProblem(401, "unauthorized");
        }

        foreach (var endpoint in ForEverybody.Concat(HiddenForEverybody))
        {
            Assert.NotEqual(401, (await Call(shared.Anonymous, endpoint)).Status);
        }
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("viewer", false)]
    [InlineData("operator", false)]
    [InlineData("approver", false)]
    [InlineData("administrator", false)]
    [InlineData("viewer", true)]
    [InlineData("operator", true)]
    [InlineData("approver", true)]
    [InlineData("administrator", true)]
    public async Task A_role_opens_what_is_its_and_nothing_else(string role, bool ofOneCluster)
    {
        var cluster = ofOneCluster ? (await HostPeer.Register(shared.Admin, Some.Cluster())).Cluster.Value : null;
        var caller = await shared.SignIn(role is "" ? [] : [(role, cluster)]);
        foreach (var (endpoint, needed) in ForPeople.Concat(HiddenForPeople).Where(one => one.Key is not SignOut))
        {
            var answer = await Call(caller, endpoint);
            if (Opens[role].Contains(needed) && !(ofOneCluster && needed.EndsWith("everywhere", StringComparison.Ordinal)))
            {
                Assert.True(answer.Status is not (401 or 403), $"{endpoint} for '{role}': {answer}");
            }
            else
            {
                Assert.True(answer.Status is 403, $"{endpoint} for '{role}': {answer}");
                answer.IsProblem(403, "forbidden");
            }
        }

        foreach (var endpoint in ForAgents.Concat(HiddenForAgents))
        {
            (await Call(caller, endpoint)).IsProblem(403, "forbidden");
        }

        // To let a host in is to trust it.
        var code = await HostPeer.AskForCode(shared.Anonymous, Some.Cluster().Value, "pve1", "pve1", "lab");
        (await caller.PostForm("/device", ("user_code", code.Text("user_code")), ("decision", "deny"))).Is(role is "administrator" && !ofOneCluster ? 302 : 403);
        (await Call(caller, SignOut)).Is(204);
    }

    [Fact] // Where nothing is mapped either: what exists is not told to strangers.
    public async Task Without_a_token_an_address_that_is_not_there_looks_like_one_that_is() =>
        (await shared.Anonymous.Get("/api/nothing")).IsProblem(401, "unauthorized");

    [Fact]
    public async Task An_agents_token_opens_nothing_of_people()
    {
        var agent = shared.Admin.With((await HostPeer.Register(shared.Admin, Some.Cluster())).AccessToken);
        foreach (var endpoint in ForPeople.Keys.Concat(HiddenForPeople.Keys))
        {
            (await Call(agent, endpoint)).IsProblem(403, "forbidden");
        }

        (await agent.Get("/api/scripts/apt-update.sh/content")).Is(200);
        (await agent.Get("/api/scripts/nothing.sh/content")).IsProblem(404, "not-found");

        // Nor may an agent approve another one.
        var code = await HostPeer.AskForCode(shared.Anonymous, Some.Cluster().Value, "pve1", "pve1", "lab");
        (await agent.PostForm("/device", ("user_code", code.Text("user_code")), ("decision", "approve"))).IsProblem(403, "forbidden");
    }

    // What agents may call, with something that would be taken from the one that is registered.
    private static readonly Dictionary<string, Func<HostPeer, object>> HubMethods = new()
    {
        [AgentHub.ReportInventory] = host => Some.Inventory(host),
        [AgentHub.ReportMetrics] = _ => Some.Metrics(),
        [AgentHub.ReportJob] = _ => new JobReport(JobId.Parse("01M83HW1FS84TGPXTCYJ45S8G9"), JobOutcome.Running, null),
        [AgentHub.ReportOutput] = _ => new JobOutput(JobId.Parse("01M83HW1FS84TGPXTCYJ45S8G9"), OutputChannel.StandardOutput, 0, 4, "said"),
    };

    [Fact]
    public void Every_method_of_the_hub_is_in_the_list_here() => Assert.Equal(
        HubMethods.Keys.Order(StringComparer.Ordinal),
        typeof(NannyOrleans.Api.Agents.AgentHub).GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            .Where(method => method.GetBaseDefinition() == method).Select(method => method.Name).Order(StringComparer.Ordinal));

    [Fact] // With every kind of token: another's, one that is over, one that was changed, a person's, none.
    public async Task A_method_of_the_hub_hears_the_agent_that_is_registered_and_nobody_else()
    {
        var cluster = Some.Cluster();
        await using var host = await HostPeer.Register(shared.Admin, cluster);
        foreach (var (method, said) in HubMethods)
        {
            await host.ConnectWith(shared.Server.Url);
            await host.Call(method, said(host));
        }

        // It is connected while another one takes its place: its connection is cut, and what it still says is not heard.
        await host.ConnectWith(shared.Server.Url);
        await using var other = await HostPeer.Register(shared.Admin, cluster);
        await host.Closed.Within("the connection to be cut");
        var tokens = new[]
        {
            host.AccessToken, shared.Forge(other.AccessToken, TimeSpan.FromMinutes(-10)), $"{other.AccessToken[..^6]}AAAAAA", shared.Admin.Token!, (await shared.SignIn(("operator", null))).Token!, string.Empty,
        };
        foreach (var (token, (method, said)) in tokens.SelectMany(token => HubMethods.Select(one => (token, one))))
        {
            await using var connection = HostPeer.Build(shared.Server.Url, token);
            await Assert.ThrowsAnyAsync<Exception>(async () =>
            {
                await connection.StartAsync().Within("the refusal");
                await connection.InvokeCoreAsync(method, [said(host)]).Within("the refusal");
            });
        }
    }

    [Fact] // Made with the server's own keys: one that ends in an hour is good, so that it is the end that makes the other worthless.
    public async Task A_token_whose_time_is_over_opens_nothing_at_all()
    {
        var agent = await HostPeer.Register(shared.Admin, Some.Cluster());
        foreach (var (caller, endpoints) in new[] { (shared.Admin, ForPeople.Keys.Concat(HiddenForPeople.Keys)), (shared.Admin.With(agent.AccessToken), ForAgents.Concat(HiddenForAgents)) })
        {
            var (good, over) = (caller.With(shared.Forge(caller.Token!, TimeSpan.FromHours(1))), caller.With(shared.Forge(caller.Token!, TimeSpan.FromMinutes(-10))));
            Assert.NotEqual(401, (await Call(good, endpoints.First())).Status);
            foreach (var endpoint in endpoints)
            {
                (await Call(over, endpoint)).IsProblem(401, "unauthorized");
                (await Call(caller.With($"{caller.Token![..^6]}AAAAAA"), endpoint)).IsProblem(401, "unauthorized");
            }
        }
    }

    [Fact]
    public async Task A_token_that_was_not_given_out_as_it_is_opens_nothing()
    {
        var good = shared.Admin.Token!;
        var middle = good.Length / 2;
        string[] bad =
        [
            string.Empty,
            "garbage",
            "..",
            good + "A",
            good[..middle],
            string.Concat(good.AsSpan(0, middle), good[middle] is 'A' ? "B" : "A", good.AsSpan(middle + 1)),
            good[..(good.LastIndexOf('.') + 1)],
            (await shared.Anonymous.AskForToken("admin", SharedServer.Password)).Text("refresh_token"),
            (await HostPeer.AskForCode(shared.Anonymous, Some.Cluster().Value, "pve1", "pve1", "lab")).Text("device_code"),
            new('x', 10_000),
        ];
        foreach (var token in bad)
        {
            (await shared.Admin.With(token).Get("/api/agents")).IsProblem(401, "unauthorized");
        }
    }

    [Fact] // Addresses end in logs.
    public async Task A_token_in_the_address_is_none() =>
        (await shared.Anonymous.Get($"/api/agents?access_token={Uri.EscapeDataString(shared.Admin.Token!)}")).IsProblem(401, "unauthorized");

    [Fact] // Behind a proxy, or after a move, the address is another one; the agents stay.
    public async Task A_token_holds_whatever_name_the_server_is_called_by()
    {
        var byName = new UriBuilder(shared.Server.Url) { Host = "localhost" }.Uri;
        (await new Caller(byName, shared.Admin.Token).Get("/api/agents")).Is(200);
    }

    [Fact]
    public async Task What_the_framework_refuses_is_a_problem_with_a_code_too()
    {
        (await shared.Admin.Get("/api/nothing")).IsProblem(404, "not-found");
        (await shared.Admin.Send("DELETE", "/api/agents")).IsProblem(405, "method-not-allowed");
    }

    [Theory] // Read before anybody is asked who he is.
    [InlineData("/connect/token")]
    [InlineData("/connect/device")]
    [InlineData("/device")]
    public async Task A_form_out_of_all_bounds_is_refused_not_an_error_of_the_server(string path)
    {
        var fields = string.Join('&', Enumerable.Range(0, 3000).Select(i => $"field{i}=x"));
        (await shared.Anonymous.PostLikeCurl(path, fields)).IsProblem(400, "bad-request");
        (await shared.Anonymous.PostLikeCurl(path, new string('x', 5_000))).IsProblem(400, "bad-request");
        (await shared.Anonymous.PostLikeCurl(path, new string('x', 1_100_000))).IsProblem(413, "body-too-large");
        (await shared.Anonymous.PostLikeCurl("/api/patches", fields)).IsProblem(401, "unauthorized");
    }

    [Fact]
    public async Task The_document_has_what_people_call()
    {
        var document = (await shared.Admin.Get("/openapi/v1.json")).Is(200).Json;
        Assert.StartsWith("3.", document.GetProperty("openapi").GetString(), StringComparison.Ordinal);
        var fields = document.GetProperty("components").GetProperty("schemas").GetProperty("PatchRequest").GetProperty("properties");
        Assert.Equal(["agent_id", "agent_ids", "autoremove", "exclusions", "filter", "mode", "plan", "security_only", "start_stopped", "timeout_seconds", "wait_seconds"], fields.EnumerateObject().Select(field => field.Name).Order(StringComparer.Ordinal));
    }

    [Theory] // Their converter is our own, of which the framework's document knows nothing by itself.
    [InlineData("GuestType", "lxc qemu")]
    [InlineData("PatchMode", "dry-run apply")]
    [InlineData("CheckResult", "ok warning problem unknown")]
    public async Task The_document_names_what_the_protocols_words_may_be(string type, string names)
    {
        var document = (await shared.Admin.Get("/openapi/v1.json")).Is(200).Json;
        var schema = document.GetProperty("components").GetProperty("schemas").GetProperty(type);
        Assert.Equal(names.Split(' '), schema.GetProperty("enum").EnumerateArray().Select(name => name.GetString()));
    }

    [Fact]
    public async Task The_document_says_what_each_endpoint_is_for_and_what_it_takes_and_answers()
    {
        var document = (await shared.Admin.Get("/openapi/v1.json")).Is(200).Json;
        foreach (var path in document.GetProperty("paths").EnumerateObject().Where(path => path.Name.StartsWith("/api/", StringComparison.Ordinal)))
        {
            foreach (var method in path.Value.EnumerateObject())
            {
                var what = $"{method.Name} {path.Name}";
                Assert.True(method.Value.TryGetProperty("summary", out var summary) && summary.GetString()!.Length > 20, $"{what} has no summary.");
                Assert.True(method.Value.GetProperty("responses").EnumerateObject().Any(response => response.Name is "200" or "201" or "202" or "204"), $"{what} answers nothing.");
                foreach (var parameter in method.Value.TryGetProperty("parameters", out var parameters) ? parameters.EnumerateArray() : default)
                {
                    Assert.True(parameter.TryGetProperty("description", out var said) && said.GetString()!.Length > 10, $"{what} does not describe {parameter.GetProperty("name")}.");
                }
            }
        }

        var list = document.GetProperty("paths").EnumerateObject().Single(path => path.Name.TrimEnd('/') is "/api/agents").Value.GetProperty("get");
        Assert.Equal(["deleted", "filter", "page", "per_page", "sort"], list.GetProperty("parameters").EnumerateArray().Select(parameter => parameter.GetProperty("name").GetString()!).Order(StringComparer.Ordinal));
        var one = document.GetProperty("paths").GetProperty("/api/agents/{id}").GetProperty("patch");
        Assert.Equal(["200", "400", "404", "409"], one.GetProperty("responses").EnumerateObject().Select(response => response.Name).Order(StringComparer.Ordinal));

        // The guide's fields, as rows have them.
        var schemas = document.GetProperty("components").GetProperty("schemas");
        var kinds = schemas.GetProperty("AgentRow").GetProperty("anyOf").EnumerateArray().Select(kind => schemas.GetProperty(kind.GetProperty("$ref").GetString()!.Split('/')[^1]).GetProperty("properties")).ToArray();
        Assert.Equal(3, kinds.Length);
        Assert.All(kinds, kind => Assert.True(kind.TryGetProperty("proxmox_role", out _) && !kind.TryGetProperty("$type", out _)));
        Assert.Single(kinds, kind => kind.TryGetProperty("guest_count", out _));
        Assert.Equal(["agentless_vm", "notes", "platform_family", "tags", "vm_agent"], schemas.GetProperty("AgentChanges").GetProperty("properties").EnumerateObject().Select(field => field.Name).Order(StringComparer.Ordinal));
    }

    private async Task<string[]> Documented() =>
    [
        .. from path in (await shared.Admin.Get("/openapi/v1.json")).Is(200).Json.GetProperty("paths").EnumerateObject()
           from method in path.Value.EnumerateObject()
           where method.Name is not ("parameters" or "summary" or "description" or "servers")
           select $"{method.Name.ToUpperInvariant()} {(path.Name.Length > 1 ? path.Name.TrimEnd('/') : path.Name)}",
    ];

    private static Task<Answer> Call(Caller caller, string endpoint)
    {
        var parts = endpoint.Split(' ');
        return caller.Send(parts[0], parts[1].Replace("{cluster}", "c0123456789abcdef", StringComparison.Ordinal).Replace("{person}", "nobody-of-this-name", StringComparison.Ordinal).Replace("{name}", "apt-update.sh", StringComparison.Ordinal).Replace("{id}", "01M83HW1FS84TGPXTCYJ45S8G9", StringComparison.Ordinal));
    }
}
