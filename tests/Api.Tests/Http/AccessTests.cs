using NannyOrleans.Api.Tests.Support;

namespace NannyOrleans.Api.Tests.Http;

/// <summary>Who may call what, for every endpoint there is: one that is in no list here fails a test.</summary>
public sealed class AccessTests(SharedServer shared)
{
    private static readonly string[] ForEverybody = ["GET /healthz", "GET /readyz"];

    private static readonly string[] ForAgents = ["GET /api/scripts/{name}/content"];

    private static readonly string[] ForPeople =
    [
        "GET /api/agents", "GET /api/agents/{id}", "PATCH /api/agents/{id}", "POST /api/agents/{id}/discover", "GET /api/agents/{id}/metrics",
        "GET /api/clusters", "GET /api/clusters/{id}", "GET /api/clusters/{id}/nodes", "GET /api/clusters/{id}/guests",
        "POST /api/clusters/{cluster}/campaigns", "GET /api/clusters/{cluster}/campaigns", "POST /api/clusters/{cluster}/campaigns/plan",
        "GET /api/clusters/{cluster}/campaigns/{id}", "GET /api/clusters/{cluster}/campaigns/{id}/plan", "GET /api/clusters/{cluster}/campaigns/{id}/timeline",
        "POST /api/clusters/{cluster}/campaigns/{id}/pause", "POST /api/clusters/{cluster}/campaigns/{id}/resume",
        "POST /api/clusters/{cluster}/campaigns/{id}/abort", "POST /api/clusters/{cluster}/campaigns/{id}/approve",
        "GET /api/packages/exceptions", "POST /api/packages/exceptions", "GET /api/packages/exceptions/{id}", "PATCH /api/packages/exceptions/{id}", "DELETE /api/packages/exceptions/{id}",
        "GET /api/patches/batches/{id}", "POST /api/patches/batches/{id}/cancel",
        "GET /api/scripts", "POST /api/scripts", "GET /api/scripts/{id}", "DELETE /api/scripts/{id}", "POST /api/scripts/{id}/validate",
        "POST /api/patches", "GET /api/patches", "GET /api/patches/{id}", "POST /api/patches/{id}/cancel", "GET /api/patches/{id}/output",
        "POST /api/reboots", "GET /api/reboots", "GET /api/reboots/{id}", "POST /api/reboots/{id}/cancel",
        "POST /api/agents/{id}/diagnose", "GET /api/diagnoses/{id}", "GET /api/topology", "GET /api/audit", "GET /api/audit/export",
    ];

    // Not in the document: OAuth's own, a page, SignalR, the document itself.
    private static readonly string[] HiddenForEverybody = ["GET /device", "POST /device", "GET /device/done", "POST /connect/device", "POST /connect/token"];

    private static readonly string[] HiddenForAgents = ["GET /hubs/agent", "POST /hubs/agent", "POST /hubs/agent/negotiate?negotiateVersion=1"];

    private static readonly string[] HiddenForPeople = ["GET /openapi/v1.json", "GET /metrics"];

    [Fact]
    public async Task Every_endpoint_of_the_document_is_in_one_list_here()
    {
        var documented = await Documented();
        Assert.Equal([.. ForEverybody.Concat(ForAgents).Concat(ForPeople).Order(StringComparer.Ordinal)], documented.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Without_a_token_only_health_and_the_device_flow_answer()
    {
        foreach (var endpoint in (await Documented()).Except(ForEverybody).Concat(HiddenForAgents).Concat(HiddenForPeople))
        {
            (await Call(shared.Anonymous, endpoint)).IsProblem(401, "unauthorized");
        }

        foreach (var endpoint in ForEverybody.Concat(HiddenForEverybody))
        {
            Assert.NotEqual(401, (await Call(shared.Anonymous, endpoint)).Status);
        }
    }

    [Fact] // Where nothing is mapped either: what exists is not told to strangers.
    public async Task Without_a_token_an_address_that_is_not_there_looks_like_one_that_is() =>
        (await shared.Anonymous.Get("/api/nothing")).IsProblem(401, "unauthorized");

    [Fact]
    public async Task An_agents_token_opens_nothing_of_people()
    {
        var agent = shared.Admin.With((await HostPeer.Register(shared.Admin, Some.Cluster())).AccessToken);
        foreach (var endpoint in (await Documented()).Except(ForEverybody).Except(ForAgents).Concat(HiddenForPeople))
        {
            (await Call(agent, endpoint)).IsProblem(403, "forbidden");
        }

        (await agent.Get("/api/scripts/apt-update.sh/content")).Is(200);
        (await agent.Get("/api/scripts/nothing.sh/content")).IsProblem(404, "not-found");

        // Nor may an agent approve another one.
        var code = await HostPeer.AskForCode(shared.Anonymous, Some.Cluster().Value, "pve1", "pve1", "lab");
        (await agent.PostForm("/device", ("user_code", code.Text("user_code")), ("decision", "approve"))).IsProblem(403, "forbidden");
    }

    [Fact]
    public async Task A_persons_token_opens_nothing_of_agents()
    {
        foreach (var endpoint in ForAgents.Concat(HiddenForAgents))
        {
            (await Call(shared.Admin, endpoint)).IsProblem(403, "forbidden");
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
        return caller.Send(parts[0], parts[1].Replace("{name}", "apt-update.sh", StringComparison.Ordinal).Replace("{id}", "01M83HW1FS84TGPXTCYJ45S8G9", StringComparison.Ordinal));
    }
}
