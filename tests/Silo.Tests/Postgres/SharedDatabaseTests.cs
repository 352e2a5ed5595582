using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using NannyOrleans.Tests.Postgres;

namespace NannyOrleans.Silo.Tests.Postgres;

/// <summary>What several processes on one database begin with.</summary>
public sealed class SharedDatabaseTests(SharedPostgres postgres) : IDisposable
{
    private const string Up = "Application started";
    private readonly DataDirectory keys = new();

    public void Dispose() => keys.Dispose();

    [Fact]
    public async Task Servers_that_start_at_once_on_an_empty_database_all_come_up_and_make_one_administrator()
    {
        var database = await postgres.NewDatabase();
        await using var one = Start("Api", database, keys, embedded: true);
        await using var other = Start("Api", database, keys, embedded: true);
        await using var silo = Start("Silo", database, keys);
        foreach (var server in new[] { one, other, silo })
        {
            await server.Line(Up);
        }

        Assert.Equal(1, (one.Log + other.Log).Split("First administrator: user name 'admin', password").Length - 1);
        await WhatOneGivesOutHoldsAtTheOther(one, other);
        Assert.Equal(3L, await History.HistoryOnPostgres.Ask<long>(database, "SELECT count(*) FROM OrleansMembership WHERE Status = 3"));
        foreach (var server in new[] { one, other, silo })
        {
            var failed = string.Join('\n', Regex.Matches(server.Log, "fail:.*\n.*").Select(one => one.Value)); // with what it says, which would else be cut off
            Assert.True(failed.Length is 0, failed);
            Assert.Equal(0, await server.Terminate());
        }
    }

    // A cookie and a token are good at whichever server the proxy chooses, and when one server ends them they end at all.
    private static async Task WhatOneGivesOutHoldsAtTheOther(RunningProgram one, RunningProgram other)
    {
        var password = Regex.Match(one.Log + other.Log, "password '([^']+)'").Groups[1].Value;
        using HttpClient here = await Client(one), there = await Client(other);
        using var signIn = await here.PostAsJsonAsync("/api/session", new { user_name = "admin", password });
        var cookie = Assert.Single(signIn.EnsureSuccessStatusCode().Headers.GetValues("Set-Cookie")).Split(';')[0];
        here.DefaultRequestHeaders.Add("Cookie", cookie);
        there.DefaultRequestHeaders.Add("Cookie", cookie);
        using var made = await there.PostAsJsonAsync("/api/tokens", new { name = "here and there", scopes = new[] { "view" }, expires_at = TimeProvider.System.GetUtcNow().AddDays(1).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) });
        var token = await made.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal(HttpStatusCode.OK, await ByToken(here));
        Assert.Equal(HttpStatusCode.OK, await ByToken(there));

        Assert.Equal(HttpStatusCode.NoContent, (await here.DeleteAsync($"/api/tokens/{token.GetProperty("id").GetString()}")).StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, (await here.DeleteAsync("/api/session")).StatusCode);
        await Waiting.Until(() => ByToken(there), status => status is HttpStatusCode.Unauthorized, "the token to end at the other server");
        await Waiting.Until(async () => (await there.GetAsync("/api/session")).StatusCode, status => status is HttpStatusCode.Unauthorized, "the cookie to end at the other server");

        async Task<HttpStatusCode> ByToken(HttpClient client)
        {
            using var ask = new HttpRequestMessage(HttpMethod.Get, "/api/session") { Headers = { { "Authorization", $"Bearer {token.GetProperty("token").GetString()}" } } };
            return (await client.SendAsync(ask)).StatusCode;
        }

        static async Task<HttpClient> Client(RunningProgram server)
        {
            const string Listening = "Now listening on: ";
            var line = await server.Line(Listening);
            return new(new SocketsHttpHandler { UseCookies = false })
            {
                BaseAddress = new(line[(line.IndexOf(Listening, StringComparison.Ordinal) + Listening.Length)..]),
                DefaultRequestHeaders = { { "Sec-Fetch-Site", "same-origin" } },
            };
        }
    }

    [Fact]
    public async Task The_tables_are_made_by_a_verb_as_often_as_it_is_said()
    {
        var database = await postgres.NewDatabase();
        foreach (var program in new[] { "Silo", "Api", "Api" })
        {
            await using var migrate = Start(program, database, keys, arguments: "migrate");
            Assert.Equal(0, await migrate.Exit());
            Assert.Equal(["The tables are up to date."], migrate.Lines);
        }

        Assert.Equal(2L, await History.HistoryOnPostgres.Ask<long>(database, "SELECT count(*) FROM pg_tables WHERE tablename IN ('orleansstorage', 'AspNetUsers')"));
        Assert.Equal(0L, await History.HistoryOnPostgres.Ask<long>(database, "SELECT count(*) FROM installation_keys")); // who only makes tables need not have the keys
    }

    [Fact]
    public async Task A_server_with_keys_of_its_own_is_refused()
    {
        var database = await postgres.NewDatabase();
        using var others = new DataDirectory();
        await using (var first = Start("Silo", database, keys))
        {
            await first.Line(Up);
            await first.Terminate();
        }

        await using var second = Start("Silo", database, others);
        Assert.Equal(1, await second.Exit());
        Assert.Contains("script-catalogue.pem is not the key that this installation began with", Assert.Single(second.Lines), StringComparison.Ordinal);
        foreach (var key in Directory.GetFiles(keys.Path, "*.pem").Append(keys.PathOf("audit.key")))
        {
            File.Copy(key, others.PathOf(Path.GetFileName(key)), overwrite: true);
        }

        await using (var mended = Start("Silo", database, others))
        {
            await mended.Line(Up);
            await mended.Terminate();
        }

        // With keys replaced by the verb it is the others that have to be copied to.
        await using (var rotation = Start("Silo", database, others, arguments: "rotate-script-keys"))
        {
            Assert.Equal(0, await rotation.Exit());
            Assert.Contains("Copy script-catalogue.pem and script-custom.pem", Assert.Single(rotation.Lines), StringComparison.Ordinal);
        }

        await using var former = Start("Silo", database, keys);
        Assert.Equal(1, await former.Exit());
        Assert.Contains("is not the key that this installation began with", Assert.Single(former.Lines), StringComparison.Ordinal);
        await using var rotated = Start("Silo", database, others);
        await rotated.Line(Up);
    }

    [Theory]
    [InlineData("Postgres", "Host=127.0.0.1;Color=green", "Silo:Postgres is not a connection string")]
    [InlineData("Postgres", "nonsense", "Silo:Postgres is not a connection string")]
    [InlineData("Postgres", "Host=127.0.0.1;Port=9;Username=nanny;Database=nanny", "127.0.0.1:9")]
    [InlineData("Address", "no-such-host.invalid", "Silo:Address 'no-such-host.invalid' stands for no address")]
    public async Task A_setting_that_cannot_be_right_is_named(string name, string value, string named)
    {
        var database = name is "Postgres" ? value : await postgres.NewDatabase();
        await using var silo = Start("Silo", database, keys, address: name is "Address" ? value : "127.0.0.1");
        Assert.Equal(1, await silo.Exit());
        Assert.Contains(named, Assert.Single(silo.Lines), StringComparison.Ordinal);
    }

    private static RunningProgram Start(string program, string database, DataDirectory keys, bool embedded = false, string address = "127.0.0.1", params string[] arguments) =>
        new([BuiltProgram.Of(program), .. arguments], new Dictionary<string, string>
        {
            ["NANNY_Silo__DataDirectory"] = keys.Path,
            ["NANNY_Silo__Postgres"] = database,
            ["NANNY_Silo__Address"] = address,
            ["NANNY_Silo__Embedded"] = embedded ? "true" : "false",
            ["NANNY_Silo__Port"] = "0",
            ["NANNY_Silo__GatewayPort"] = $"{Port.Free()}",
            ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{Port.Free()}",
        });
}
