using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Silo.Tests.Shapes;

/// <summary>A silo and the API in processes of their own.</summary>
public sealed class SplitShapeTests : IDisposable
{
    private const string Password = "correct-horse-battery";
    private const string Away = "The silo does not answer yet";
    private const string Up = "Application started";
    private const string Nothing = """{"clusters":[],"standalone":[]}""";

    private readonly DataDirectory data = new();
    private readonly int gateway = Port.Free();
    private readonly Uri address = new($"http://127.0.0.1:{Port.Free()}");

    public void Dispose() => data.Dispose();

    [Fact]
    public async Task The_api_waits_for_the_silo_says_when_it_is_away_and_goes_on_when_it_is_back()
    {
        await using var api = StartApi();
        await api.Line(Away);
        var silo = StartSilo();
        try
        {
            await silo.Line(Up);
            await api.Line(Up);
            using var http = await SignedIn();
            Assert.Equal(Nothing, await http.GetStringAsync("/api/topology"));

            await silo.Kill();
            using (var away = await http.GetAsync("/api/topology"))
            {
                Assert.Equal(HttpStatusCode.ServiceUnavailable, away.StatusCode);
                Assert.Equal("application/problem+json", away.Content.Headers.ContentType?.MediaType);
                Assert.Equal("unavailable", (await away.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString());
            }

            Assert.Equal("ok\n", await http.GetStringAsync("/healthz")); // this process does answer
            using (var away = await http.GetAsync("/readyz"))
            {
                Assert.Equal(HttpStatusCode.ServiceUnavailable, away.StatusCode);
                Assert.Equal("The silo cluster does not answer.", (await away.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("detail").GetString());
            }

            await silo.DisposeAsync();
            silo = StartSilo();
            await silo.Line(Up);
            Assert.Equal(Nothing, await OnceBack(http, "/api/topology"));
            Assert.Equal("ready\n", await OnceBack(http, "/readyz"));
        }
        finally
        {
            await silo.DisposeAsync();
        }

        Assert.Equal(0, await api.Terminate());
    }

    [Fact]
    public async Task What_was_acknowledged_is_there_after_the_silo_was_killed_in_the_middle_of_writing()
    {
        var agent = AgentId.Parse("01M83HW1FS84TGPXTCYJ45S8G9");
        var acknowledged = new ConcurrentBag<string>();
        var enough = new TaskCompletionSource();
        await using (var silo = StartSilo())
        {
            await silo.Line(Up);
            using var client = await SplitProcesses.Client(data, gateway);
            var writers = Enumerable.Range(0, 8).Select(writer => Task.Run(async () =>
            {
                for (var number = 0; ; number++)
                {
                    var node = $"c{writer:x16}/pve{number}";
                    await client.Services.GetRequiredService<IGrainFactory>().GetGrain<INodeGrain>(node).Enrol(new(agent, "pve", "lab"));
                    acknowledged.Add(node);
                    if (acknowledged.Count is 200)
                    {
                        enough.SetResult();
                    }
                }
            })).ToArray();
            await enough.Task.Within("200 acknowledged writes");
            await silo.Kill();
            foreach (var writer in writers)
            {
                await Assert.ThrowsAnyAsync<Exception>(() => writer.Within("the end of a call to a silo that is gone"));
            }
        }

        await using var again = StartSilo();
        await again.Line(Up);
        using var reader = await SplitProcesses.Client(data, gateway);
        var there = await Task.WhenAll(acknowledged.Select(node => reader.Services.GetRequiredService<IGrainFactory>().GetGrain<INodeGrain>(node).IsAgent(agent)));
        Assert.DoesNotContain(false, there);
    }

    [Fact]
    public async Task An_api_that_waits_for_a_silo_can_be_stopped()
    {
        await using var api = StartApi();
        await api.Line(Away);
        Assert.Equal(0, await api.Terminate());
        Assert.DoesNotContain("Unhandled exception", api.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("Hosting failed", api.Log, StringComparison.Ordinal);
    }

    private RunningProgram StartSilo() => SplitProcesses.StartSilo(data, gateway);

    private RunningProgram StartApi() => new([BuiltProgram.Of("Api")], new Dictionary<string, string>
    {
        ["NANNY_Silo__DataDirectory"] = data.Path,
        ["NANNY_Silo__Embedded"] = "false",
        ["NANNY_Silo__GatewayPort"] = $"{gateway}",
        ["NANNY_ADMIN_PASSWORD"] = Password,
        ["ASPNETCORE_URLS"] = address.ToString(),
    });

    private async Task<HttpClient> SignedIn()
    {
        var http = new HttpClient { BaseAddress = address };
        using var form = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["grant_type"] = "password",
            ["client_id"] = "nanny-cli",
            ["username"] = "admin",
            ["password"] = Password,
            ["scope"] = "api",
        });
        using var answer = await http.PostAsync(Protocol.Registration.TokenEndpoint, form);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        var token = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("access_token").GetString();
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return http;
    }

    /// <summary>Asks until the answer is there. On the way 503 is the only other one there may be.</summary>
    private static async Task<string> OnceBack(HttpClient http, string path)
    {
        var (status, body) = await Waiting.Until(
            async () =>
            {
                using var answer = await http.GetAsync(path);
                return (answer.StatusCode, Body: await answer.Content.ReadAsStringAsync());
            },
            answer => answer.StatusCode is not HttpStatusCode.ServiceUnavailable,
            $"{path} to be there again");
        Assert.Equal(HttpStatusCode.OK, status);
        return body;
    }
}
