using System.Net;
using System.Text.Json;
using NannyOrleans.Api.Tests.Support;

namespace NannyOrleans.Api.Tests.Telemetry;

/// <summary>What balancers are told, of a server that loses what it needs.</summary>
public sealed class ReadinessTests : IDisposable
{
    private readonly DataDirectory data = new();
    private readonly HttpClient http = new() { Timeout = Waiting.Limit };

    public void Dispose()
    {
        http.Dispose();
        data.Dispose();
    }

    [Fact]
    public async Task A_server_is_ready_while_all_its_databases_are_there()
    {
        await using var server = await ServerProcess.Start(data.Path, SharedServer.Password);
        Assert.Equal((HttpStatusCode.OK, "ready\n"), await Ask(server, "/readyz"));
        foreach (var (file, what) in new[] { ("history.db", "the history"), ("grains.db", "the grains' state"), ("accounts.db", "the accounts") })
        {
            File.Move(data.PathOf(file), data.PathOf("away"));
            var (status, body) = await Waiting.Until(() => Ask(server, "/readyz"), answer => answer.Status is not HttpStatusCode.OK, $"{file} to be missed");
            Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
            var problem = JsonElement.Parse(body);
            Assert.Equal("not-ready", problem.GetProperty("code").GetString());
            Assert.Equal($"The database of {what} is gone.", problem.GetProperty("detail").GetString());
            Assert.DoesNotContain(data.Path, body, StringComparison.Ordinal); // anybody may ask
            Assert.Equal((HttpStatusCode.OK, "ok\n"), await Ask(server, "/healthz"));

            File.Move(data.PathOf("away"), data.PathOf(file));
            await Waiting.Until(() => Ask(server, "/readyz"), answer => answer is (HttpStatusCode.OK, "ready\n"), $"{file} to be back");
        }

        Assert.Contains("Not ready, or not wholly: The database of the history is gone.", server.Program.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_told_to_stop_says_so_at_once_and_goes_on_for_as_long_as_was_asked()
    {
        await using var server = await ServerProcess.Start(data.Path, SharedServer.Password, more: [("NANNY_Health__StopDelaySeconds", "300")]);
        var admin = await new Caller(server.Url).SignIn("admin", SharedServer.Password);
        await using var host = await HostPeer.Register(admin, Some.Cluster());
        await host.ConnectWith(server.Url);
        await server.Program.AskToEnd();
        var (status, body) = await Waiting.Until(() => Ask(server, "/readyz"), answer => answer.Status is not HttpStatusCode.OK, "the word that it stops");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
        Assert.Equal("It is stopping.", JsonElement.Parse(body).GetProperty("detail").GetString());
        await host.ReportInventory(Some.Inventory(host)); // its connection is open still
        (await admin.Get("/api/topology")).Is(200);
        Assert.Equal(0, await server.Program.Terminate()); // who says it twice does not wait
    }

    private async Task<(HttpStatusCode Status, string Body)> Ask(ServerProcess server, string path)
    {
        using var answer = await http.GetAsync(new Uri(server.Url, path));
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }
}
