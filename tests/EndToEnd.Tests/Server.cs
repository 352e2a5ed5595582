using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;

namespace NannyOrleans.EndToEnd.Tests;

/// <summary>The real server as a process, and an administrator who talks to it.</summary>
internal sealed class Server : IAsyncDisposable
{
    /// <summary>The password of <c>admin</c>.</summary>
    public const string Password = "a password of the tests";

    private readonly string data;
    private ServerProcess process;

    private Server(string data, ServerProcess process)
    {
        (this.data, this.process) = (data, process);
        Client = new HttpClient { BaseAddress = process.Url };
    }

    public HttpClient Client { get; }

    public string Url => Client.BaseAddress!.ToString().TrimEnd('/');

    /// <summary>All it has said so far.</summary>
    public IReadOnlyList<string> Said => process.Program.Lines;

    public static async Task<Server> Start(string data)
    {
        var server = new Server(data, await ServerProcess.Start(data, Password));
        await server.SignIn();
        return server;
    }

    /// <summary>Kills it at once and starts it again over the same data, at the same address.</summary>
    public async Task Restart(Func<Task>? whileDown = null)
    {
        await process.DisposeAsync();
        if (whileDown is not null)
        {
            await whileDown();
        }

        process = await ServerProcess.Start(data, Password, Url);
    }

    public async Task<JsonNode> Get(string path) => (await Client.GetFromJsonAsync<JsonNode>(path))!;

    /// <summary>Any other request, and what is answered; null when it is nothing.</summary>
    public async Task<(int Status, JsonNode? Body)> Send(HttpMethod method, string path, JsonNode? body = null)
    {
        using var ask = new HttpRequestMessage(method, path);
        ask.Content = body is null ? null : new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        using var answer = await Client.SendAsync(ask);
        var text = await answer.Content.ReadAsStringAsync();
        return ((int)answer.StatusCode, text.Length is 0 ? null : JsonNode.Parse(text));
    }

    public Task<(int Status, JsonNode Body)> Patch(string agent, string mode, params string[] exclusions) => Patch(
        new() { ["agent_id"] = agent, ["mode"] = mode, ["exclusions"] = new JsonArray([.. exclusions.Select(name => JsonValue.Create(name))]) });

    public async Task<(int Status, JsonNode Body)> Patch(JsonObject body)
    {
        var (status, answer) = await Send(HttpMethod.Post, "/api/patches", body);
        return (status, answer!);
    }

    /// <summary>Says something of a host or guest.</summary>
    public async Task PatchAgent(string agent, string changes)
    {
        var answer = await Client.PatchAsync($"/api/agents/{agent}", new StringContent(changes, Encoding.UTF8, "application/json"));
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>Starts a patch and gives its id.</summary>
    public Task<string> StartPatch(string agent, string mode, params string[] exclusions) => Started(Patch(agent, mode, exclusions));

    /// <summary>The same with a body of one's own.</summary>
    public Task<string> StartPatch(JsonObject body) => Started(Patch(body));

    /// <summary>The operation once it is in one of these states.</summary>
    public Task<JsonNode> Operation(string id, params string[] states) => Until(
        () => Get($"/api/patches/{id}"), operation => states.Contains((string?)operation["status"]), $"operation {id} to be {string.Join(" or ", states)}");

    /// <summary>Wants an operation ended.</summary>
    public async Task Cancel(string id)
    {
        var (status, body) = await Send(HttpMethod.Post, $"/api/patches/{id}/cancel");
        Assert.True(status is 202, $"{status}: {body}");
    }

    /// <summary>A patch from its start to its end.</summary>
    public async Task<JsonNode> PatchToEnd(string agent, string mode, params string[] exclusions) =>
        await Operation(await StartPatch(agent, mode, exclusions), "succeeded", "failed", "interrupted");

    /// <summary>Approves a device code as an administrator with a token.</summary>
    public async Task Approve(string code)
    {
        var answer = await Client.PostAsync("/device", new FormUrlEncodedContent([new("user_code", code), new("decision", "approve")]));
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>Waits until this many hosts are online and this many containers run whose systems are known.</summary>
    public Task Knows(int hosts, int containers) => Until(
        () => Get("/api/agents"),
        rows => rows.AsArray().Count(row => (string?)row!["proxmox_role"] is "host" && (string?)row["status"] is "online") == hosts
            && rows.AsArray().Count(row => (string?)row!["status"] is "running" && row["os"] is not null && row["problem"] is null) == containers,
        "all hosts and their running containers' systems");

    /// <summary>Asks until the answer is the awaited one.</summary>
    public Task<T> Until<T>(Func<Task<T>> ask, Func<T, bool> isThere, string waitedFor) => process.Program.WithLog(Waiting.Until(ask, isThere, waitedFor));

    public ValueTask DisposeAsync()
    {
        Client.Dispose();
        return process.DisposeAsync();
    }

    private static async Task<string> Started(Task<(int Status, JsonNode Body)> patch)
    {
        var (status, body) = await patch;
        Assert.True(status is 202, $"{status}: {body}");
        return (string)body["operation_id"]!;
    }

    private async Task SignIn()
    {
        var answer = await Client.PostAsync("/connect/token", new FormUrlEncodedContent(
            [new("grant_type", "password"), new("client_id", "nanny-cli"), new("scope", "api"), new("username", "admin"), new("password", Password)]));
        var token = (await answer.Content.ReadFromJsonAsync<JsonNode>())!["access_token"];
        Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (string)token!);
    }
}
