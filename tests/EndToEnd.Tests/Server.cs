using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json.Nodes;

namespace NannyOrleans.EndToEnd.Tests;

/// <summary>The real server as a process, and an administrator who talks to it.</summary>
internal sealed class Server : IDisposable
{
    private const string Password = "a password of the tests";

    private readonly string data;
    private RunningProgram program;

    private Server(string data, string url, RunningProgram program)
    {
        (this.data, this.program) = (data, program);
        Client = new HttpClient { BaseAddress = new(url) };
    }

    public HttpClient Client { get; }

    public string Url => Client.BaseAddress!.ToString().TrimEnd('/');

    public string Log => program.Log;

    public static async Task<Server> Start(string data)
    {
        var program = Launch(data, "http://127.0.0.1:0");
        var listening = await program.Line("Now listening on: ");
        var server = new Server(data, listening[(listening.IndexOf("http", StringComparison.Ordinal))..].Trim(), program);
        await server.SignIn();
        return server;
    }

    /// <summary>Kills it at once and starts it again over the same data, at the same address.</summary>
    public async Task Restart(Func<Task>? whileDown = null)
    {
        program.Kill();
        if (whileDown is not null)
        {
            await whileDown();
        }

        program.Dispose();
        program = Launch(data, Url);
        await program.Line("Now listening on: ");
    }

    public async Task<JsonNode> Get(string path) => (await Client.GetFromJsonAsync<JsonNode>(path))!;

    public async Task<(int Status, JsonNode Body)> Patch(string agent, string mode, params string[] exclusions)
    {
        var body = new JsonObject { ["agent_id"] = agent, ["mode"] = mode, ["exclusions"] = new JsonArray([.. exclusions.Select(name => JsonValue.Create(name))]) };
        var answer = await Client.PostAsync("/api/patches", new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"));
        return ((int)answer.StatusCode, JsonNode.Parse(await answer.Content.ReadAsStringAsync())!);
    }

    /// <summary>Starts a patch and gives its id.</summary>
    public async Task<string> StartPatch(string agent, string mode, params string[] exclusions)
    {
        var (status, body) = await Patch(agent, mode, exclusions);
        Assert.True(status is 202, $"{status}: {body}");
        return (string)body["operation_id"]!;
    }

    /// <summary>The operation once it is in one of these states.</summary>
    public Task<JsonNode> Operation(string id, params string[] states) => Until(
        $"operation {id} to be {string.Join(" or ", states)}",
        async () => await Get($"/api/patches/{id}") is { } operation && states.Contains((string?)operation["status"]) ? operation : null);

    /// <summary>A patch from its start to its end.</summary>
    public async Task<JsonNode> PatchToEnd(string agent, string mode, params string[] exclusions) =>
        await Operation(await StartPatch(agent, mode, exclusions), "succeeded", "failed", "interrupted");

    /// <summary>Approves a device code as an administrator with a token.</summary>
    public async Task Approve(string code)
    {
        var answer = await Client.PostAsync("/device", new FormUrlEncodedContent([new("user_code", code), new("decision", "approve")]));
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>Asks until there is an answer.</summary>
    public async Task<T> Until<T>(string what, Func<Task<T?>> ask)
        where T : class
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        using var turn = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (!limit.IsCancellationRequested)
        {
            if (await ask() is { } answer)
            {
                return answer;
            }

            await turn.WaitForNextTickAsync(CancellationToken.None);
        }

        throw new TimeoutException($"Waited too long for {what}. The server said:\n{Log}");
    }

    public void Dispose()
    {
        Client.Dispose();
        program.Dispose();
    }

    private static RunningProgram Launch(string data, string url) => new("dotnet", [Programs.PathOf("Api", "nanny-api.dll")], new Dictionary<string, string?>
    {
        ["NANNY_urls"] = url,
        ["NANNY_Silo__DataDirectory"] = data,
        ["NANNY_Silo__Port"] = "0",
        ["NANNY_ADMIN_PASSWORD"] = Password,
    });

    private async Task SignIn()
    {
        var answer = await Client.PostAsync("/connect/token", new FormUrlEncodedContent(
            [new("grant_type", "password"), new("client_id", "nanny-cli"), new("scope", "api"), new("username", "admin"), new("password", Password)]));
        var token = (await answer.Content.ReadFromJsonAsync<JsonNode>())!["access_token"];
        Client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (string)token!);
    }
}
