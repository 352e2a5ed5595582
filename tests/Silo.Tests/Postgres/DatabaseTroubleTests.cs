using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using NannyOrleans.Grains;
using NannyOrleans.Grains.Clusters;
using NannyOrleans.Grains.Fleet;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Tests.Postgres;

namespace NannyOrleans.Silo.Tests.Postgres;

/// <summary>What is left while the database is away, and that all is there again when it is back.</summary>
public sealed class DatabaseTroubleTests : IAsyncLifetime
{
    private const string Password = "correct-horse-battery";
    private static readonly AgentId Agent = AgentId.Parse("01M83HW1FS84TGPXTCYJ45S8G9");
    private static readonly AgentId Other = AgentId.Parse("01M83HYC366EDV4QB830883JAT");
    private static int used;

    private readonly DataDirectory keys = new();
    private PrivatePostgres? server;

    private PrivatePostgres Server => server!;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipWhen(PrivatePostgres.WhyNot is not null, PrivatePostgres.WhyNot ?? "");
        server = await PrivatePostgres.Start();
    }

    public async ValueTask DisposeAsync()
    {
        await (server?.DisposeAsync() ?? ValueTask.CompletedTask);
        keys.Dispose();
    }

    [Fact]
    public async Task A_write_that_never_reached_the_database_leaves_the_grain_as_it_was_and_its_readers_answered()
    {
        await using var silo = await RunningSilo.Start(new SiloOptions { DataDirectory = keys.Path, Port = 0, Postgres = await Server.NewDatabase() });
        var fleet = silo.Grains.GetGrain<IFleetGrain>(0);
        var (before, later) = (ClusterId.Parse("c0123456789abcdef"), ClusterId.Parse("cfedcba9876543210"));
        await fleet.Add(before);

        await fleet.Add(before);
        IClusterGrain[] clusters = [.. Enumerable.Range(0, 40).Select(number => silo.Grains.GetGrain<IClusterGrain>($"c{number:x16}"))];
        await Task.WhenAll(clusters.Select(cluster => Enrol(cluster, Agent))); // they are active
        await Server.Stop();

        // What is written over connections that were open may have landed, for all that is known; until the last of them is found broken.
        var next = 0;
        await Waiting.Until(() => Tried(() => Enrol(clusters[next++], Other)), failure => failure is NotStoredException, "a write that is known not to have landed");
        await Assert.ThrowsAsync<NotStoredException>(() => fleet.Add(later));
        Assert.Equal([before], await fleet.Clusters());

        await Server.Start();
        await Waiting.Until(() => Tried(() => fleet.Add(later)), failure => failure is null, "a write after it is back");
        Assert.Equal([before, later], await fleet.Clusters());
    }

    public static TheoryData<string> Troubles => ["killed", "frozen", "full"];

    [Theory]
    [MemberData(nameof(Troubles))]
    public async Task While_it_is_away_reads_are_answered_writes_are_refused_and_then_both_go_on(string trouble)
    {
        Assert.SkipWhen(trouble is "full" && !Environment.IsPrivilegedProcess, "Only root can mount a small file system.");
        var small = trouble is "full" ? await SmallDisk.Make() : null;
        try
        {
            var database = small is null ? await Server.NewDatabase() : await small.NewDatabase(Server);
            await using var api = new RunningProgram([BuiltProgram.Of("Api")], new Dictionary<string, string>
            {
                ["NANNY_Silo__DataDirectory"] = keys.Path,
                ["NANNY_Silo__Postgres"] = $"{database};Command Timeout=2",
                ["NANNY_Silo__Port"] = "0",
                ["NANNY_ADMIN_PASSWORD"] = Password,
                ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{Port.Free()}",
            });
            var line = await api.Line("Now listening on: ");
            using var http = await SignedIn(new(line[(line.IndexOf("http", StringComparison.Ordinal))..]));
            var first = await Add(http, "before.sh");
            Assert.True(first.StatusCode is HttpStatusCode.Created, await first.Content.ReadAsStringAsync());

            await Begin(trouble, small);
            var refused = await api.WithLog(Waiting.Until(() => Add(http, "during.sh"), answer => answer.StatusCode is not HttpStatusCode.Created, "a write to be refused"));
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.Equal("unavailable", (await refused.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString());
            using var read = await http.GetAsync("/api/topology");
            Assert.Equal(HttpStatusCode.OK, read.StatusCode);

            await End(trouble, small);
            await api.WithLog(Waiting.Until(() => Add(http, "after.sh"), answer => answer.StatusCode is HttpStatusCode.Created or HttpStatusCode.Conflict, "a write after it is back"));
            var there = (await http.GetFromJsonAsync<JsonElement>("/api/scripts")).EnumerateArray().Select(script => script.GetProperty("id").GetString()).ToArray();
            Assert.Contains("before.sh", there);
            Assert.Contains("after.sh", there);
            Assert.Equal(0, await api.Terminate());
        }
        finally
        {
            await (small?.DisposeAsync() ?? ValueTask.CompletedTask);
        }
    }

    [Fact] // The driver's exceptions can't be sent to another process.
    public async Task Of_a_silo_elsewhere_it_is_told_in_words_that_it_is_away_and_the_api_stays_ready()
    {
        var settings = new Dictionary<string, string>
        {
            ["NANNY_Silo__DataDirectory"] = keys.Path,
            ["NANNY_Silo__Postgres"] = await Server.NewDatabase(),
            ["NANNY_Silo__Embedded"] = "false",
            ["NANNY_Silo__Port"] = "0",
            ["NANNY_Silo__GatewayPort"] = $"{Port.Free()}",
            ["NANNY_ADMIN_PASSWORD"] = Password,
        };
        await using var silo = new RunningProgram([BuiltProgram.Of("Silo")], new Dictionary<string, string>(settings) { ["NANNY_urls"] = $"http://127.0.0.1:{Port.Free()}" });
        await silo.Line("Application started");
        await using var api = new RunningProgram([BuiltProgram.Of("Api")], new Dictionary<string, string>(settings) { ["NANNY_urls"] = $"http://127.0.0.1:{Port.Free()}" });
        var line = await api.Line("Now listening on: ");
        using var http = await SignedIn(new(line[(line.IndexOf("http", StringComparison.Ordinal))..]));
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync("/api/patches")).StatusCode);

        await Server.Stop();
        using var away = await http.GetAsync("/api/patches");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, away.StatusCode);
        Assert.Equal("unavailable", (await away.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("code").GetString());
        await api.WithLog(Waiting.Until(() => http.GetStringAsync("/readyz"), answer => answer == "ready, but: The database of the accounts does not answer.\n", "its word on readiness"));

        await Server.Start();
        await api.WithLog(Waiting.Until(() => http.GetAsync("/api/patches"), answer => answer.StatusCode is HttpStatusCode.OK, "an answer after it is back"));
        Assert.DoesNotContain("An unhandled exception", api.Log, StringComparison.Ordinal);
    }

    [Fact] // Orleans writes down that it goes, three times, and tries each for minutes.
    public async Task A_silo_that_is_told_to_stop_while_it_is_away_does_not_wait_for_it()
    {
        await using var silo = new RunningProgram([BuiltProgram.Of("Silo")], new Dictionary<string, string>
        {
            ["NANNY_Silo__DataDirectory"] = keys.Path,
            ["NANNY_Silo__Postgres"] = await Server.NewDatabase(),
            ["NANNY_Silo__Port"] = "0",
            ["NANNY_Silo__GatewayPort"] = $"{Port.Free()}",
            ["NANNY_urls"] = $"http://127.0.0.1:{Port.Free()}",
        });
        await silo.Line("Application started");
        await Server.Stop();
        Assert.Equal(1, await silo.Terminate());
        Assert.Contains("could not take its leave", silo.Log, StringComparison.Ordinal);
    }

    private Task Begin(string trouble, SmallDisk? small) => trouble switch
    {
        "killed" => Server.Kill(),
        "frozen" => Server.Freeze(),
        _ => small!.Fill(),
    };

    private Task End(string trouble, SmallDisk? small) => trouble switch
    {
        "killed" => Server.Start(),
        "frozen" => Server.Resume(),
        _ => small!.Empty(),
    };

    private static Task Enrol(IClusterGrain cluster, AgentId agent) => cluster.Enrol(NodeName.Parse("pve1"), new(agent, "pve1", "lab"));

    private static async Task<Exception?> Tried(Func<Task> work)
    {
        try
        {
            await work();
            return null;
        }
        catch (Exception failure)
        {
            return failure;
        }
    }

    // Too large for what room there is in pages that are there, and of nothing that compression would make small.
    private static Task<HttpResponseMessage> Add(HttpClient http, string name) => http.PostAsJsonAsync(
        "/api/scripts", new { name, platform_family = "debian", os_version = $"{name.Length}.{Interlocked.Increment(ref used)}", content = Script() });

    private static string Script() => "#!/bin/sh\nprintf 'nanny-patch: started\\n' >&2\n" + string.Concat(Enumerable.Range(0, 1000).Select(_ => $"# {RandomNumberGenerator.GetHexString(64)}\n"));

    private static async Task<HttpClient> SignedIn(Uri address)
    {
        var http = new HttpClient { BaseAddress = address };
        using var form = new FormUrlEncodedContent([new("grant_type", "password"), new("client_id", "nanny-cli"), new("username", "admin"), new("password", Password), new("scope", "api")]);
        using var answer = await http.PostAsync(Protocol.Registration.TokenEndpoint, form);
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("access_token").GetString());
        return http;
    }

    /// <summary>A file system of sixty megabytes for one database.</summary>
    private sealed class SmallDisk(string path) : IAsyncDisposable
    {
        private string Ballast => $"{path}/ballast";

        public static async Task<SmallDisk> Make()
        {
            var path = Directory.CreateTempSubdirectory("nanny-small-").FullName;
            await Run("mount", "-t", "tmpfs", "-o", "size=60m,mode=0700,uid=postgres,gid=postgres", "tmpfs", path);
            return new(path);
        }

        public async Task<string> NewDatabase(PrivatePostgres server)
        {
            await server.Psql("postgres", $"CREATE TABLESPACE small LOCATION '{path}'");
            await server.Psql("postgres", $"CREATE DATABASE small TEMPLATE template0 OWNER {PrivatePostgres.Role} TABLESPACE small");
            return server.ConnectionString("small");
        }

        public async Task Fill()
        {
            await using var ballast = File.Create(Ballast);
            try
            {
                while (true)
                {
                    await ballast.WriteAsync(new byte[64 * 1024]);
                    await ballast.FlushAsync();
                }
            }
            catch (IOException)
            {
                // full
            }
        }

        public Task Empty()
        {
            File.Delete(Ballast);
            return Task.CompletedTask;
        }

        public async ValueTask DisposeAsync()
        {
            await Run("umount", "--lazy", path);
            Directory.Delete(path);
        }

        private static async Task Run(params string[] command)
        {
            using var run = Process.Start(new ProcessStartInfo(command[0], command[1..]))!;
            await run.WaitForExitAsync();
            Assert.Equal(0, run.ExitCode);
        }
    }
}
