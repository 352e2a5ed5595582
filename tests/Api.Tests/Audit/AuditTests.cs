using System.Globalization;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using NannyOrleans.Api.Tests.Support;
using NannyOrleans.Protocol;

namespace NannyOrleans.Api.Tests.Audit;

public sealed class AuditTests(SharedServer shared)
{
    [Fact]
    public async Task Who_signs_in_and_who_fails_to_is_written_down_and_from_where()
    {
        await shared.Anonymous.SignIn("admin", SharedServer.Password);
        var signedIn = (await Find("actor=person admin&action=sign-in&limit=1"))[0];
        Assert.Equal(("person admin", "done", "127.0.0.1"), (Text(signedIn, "target"), Text(signedIn, "result"), Text(signedIn, "address")));

        // A name that is none may be a password that was typed in the wrong place.
        (await shared.Anonymous.AskForToken("correct horse in the wrong place", "x")).IsOAuthError("invalid_grant");
        (await shared.Anonymous.AskForToken("correct horse in the wrong place", "x")).IsOAuthError("invalid_grant");
        Assert.Contains(await Find("actor=nobody&action=sign-in&result=wrong-credentials"), entry => Text(entry, "target") is "unknown account" && Text(entry, "address") is "127.0.0.1");
        Assert.DoesNotContain("correct horse", (await shared.Admin.Get("/api/audit?limit=1000")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_agents_way_in_is_written_down_from_its_approval_on()
    {
        var cluster = Some.Cluster();
        await using var host = await HostPeer.Register(shared.Admin, cluster);
        Assert.Equal(
            [$"agent {host.Id}: get-token done", $"agent {host.Id}: register-agent done", "person admin: approve-agent done"],
            await Said($"target={cluster}/pve1"));

        // Another one takes its place: that it may not speak any more is written down as well.
        await using var other = await HostPeer.Register(shared.Admin, cluster);
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            await host.Connect(shared.Server.Url);
            await host.Call(AgentHub.ReportMetrics, Some.Metrics());
        });
        (await shared.Anonymous.Refresh(Registration.ClientId, host.RefreshToken)).IsOAuthError("invalid_grant");
        var said = await Said($"target={cluster}/pve1");
        Assert.Contains($"agent {other.Id}: replace-agent done", said);
        Assert.Contains(said, line => line.StartsWith($"agent {host.Id}: connect-agent ", StringComparison.Ordinal) && !line.EndsWith("done", StringComparison.Ordinal));
        Assert.Contains("nobody: get-token invalid-grant", await Said("target=refresh token"));

        var code = await HostPeer.AskForCode(shared.Anonymous, cluster.Value, "pve2", "pve2", "lab");
        (await shared.Admin.PostForm("/device", ("user_code", code.Text("user_code")), ("decision", "deny"))).Is(302);
        (await shared.Anonymous.PostForm("/device", ("user_code", code.Text("user_code")), ("decision", "approve"), ("username", "admin"), ("password", "wrong"))).Is(403);
        Assert.Contains("person admin: deny-agent done", await Said($"target={cluster}/pve2"));
    }

    [Fact]
    public async Task Who_is_turned_away_is_written_down_and_who_shows_nothing_is_not()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        // Other tests refuse things, too: of a minute so many kinds are told apart, and this one is when it is among them.
        var found = await Waiting.Until(
            async () =>
            {
                (await shared.Admin.With(host.AccessToken).Get("/api/topology")).Is(403);
                return await Find($"actor=agent {host.Id}&result=forbidden");
            },
            entries => entries.Length > 0,
            "the refusal to be written down");
        var refused = found[^1]; // the first of its kind
        Assert.Equal(("get-topology", "/api/topology", "GET /api/topology"), (Text(refused, "action"), Text(refused, "target"), Text(refused, "detail")));

        (await shared.Admin.With("made up").Send("DELETE", "/api/scripts/anything.sh")).Is(401);
        Assert.Contains("nobody: delete-script unauthorized", await Said("target=/api/scripts/{id}"));
        (await shared.Anonymous.Get("/api/metrics-of-nothing")).Is(401);
        Assert.DoesNotContain("metrics-of-nothing", (await shared.Admin.Get("/api/audit?limit=1000")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_call_that_was_refused_says_so_after_it_was_asked_for_and_one_that_only_looks_says_nothing()
    {
        var (cluster, nothing) = Some.Cluster() is var made ? (made.Value, $"{made}-lxc-100") : default;
        (await shared.Admin.PostLikeCurl("/api/patches", Some.Order(nothing))).Is(404);
        var entries = await Find($"target={nothing}");
        Assert.Equal(["not-found", "asked"], entries.Select(entry => Text(entry, "result")));
        Assert.All(entries, entry => Assert.Equal(("start-patch", cluster, "127.0.0.1"), (Text(entry, "action"), Text(entry, "cluster"), Text(entry, "address"))));
        Assert.Equal("dry-run", JsonElement.Parse(Text(entries[1], "detail")!).GetProperty("mode").GetString());

        await shared.Admin.PostLikeCurl("/api/scripts/apt-update.sh/validate", "");
        // The server is shared: other tests' calls that were refused are there, and are to be.
        Assert.All(await Find("action=validate-script"), entry => Assert.Contains(Text(entry, "result"), new[] { "unauthorized", "forbidden" }));
    }

    [Fact]
    public async Task Pages_follow_the_link_to_their_end_without_a_gap_or_a_repetition()
    {
        var target = $"x{Some.Vmid()}";
        for (var number = 0; number < 3; number++)
        {
            (await shared.Admin.Patch($"/api/agents/{target}", """{"notes":"x"}""")).Is(404); // two entries each
        }

        var (path, seen) = ($"/api/audit?target={target}&limit=4", new List<long>());
        while (path is not null)
        {
            var page = (await shared.Admin.Get(path)).Is(200);
            seen.AddRange(page.Json.EnumerateArray().Select(entry => entry.GetProperty("sequence").GetInt64()));
            path = page.Header("Link")?.Split('<', '>')[1];
        }

        Assert.Equal(6, seen.Count);
        Assert.Equal(seen.Distinct().OrderDescending(), seen);
        Assert.Equal(2, (await Find($"target={target}&before={seen[3]}")).Length);
    }

    [Theory]
    [InlineData("", "limit=0", "limit")]
    [InlineData("", "limit=x", "limit")]
    [InlineData("", "before=0", "before")]
    [InlineData("", "before=99999999999999999999", "before")]
    [InlineData("", "cluster=lab", "cluster")]
    [InlineData("", "from=yesterday", "from")]
    [InlineData("", "to=2026-13-01", "to")]
    [InlineData("", "actors=admin", "actors")] // a misspelled one would list everything
    [InlineData("/export", "from=yesterday", "from")]
    [InlineData("/export", "to=1", "to")]
    [InlineData("/export", "format=xml", "format")]
    [InlineData("/export", "limit=5", "limit")]
    public async Task A_parameter_that_is_wrong_is_named(string below, string query, string field) => (await shared.Admin.Get($"/api/audit{below}?{query}")).NamesField(field);

    [Fact]
    public async Task An_export_is_the_chain_of_a_time()
    {
        var target = $"=x{Some.Vmid()}";
        (await shared.Admin.Patch($"/api/agents/{Uri.EscapeDataString(target)}", """{"notes":"x"}""")).Is(404);
        var mine = await Find($"target={Uri.EscapeDataString(target)}");
        var (from, to) = (mine[^1].GetProperty("at").GetDateTimeOffset(), mine[0].GetProperty("at").GetDateTimeOffset().AddMilliseconds(1));
        var part = $"from={Time(from)}&to={Time(to)}";
        var lines = (await shared.Admin.Get($"/api/audit/export?{part}")).Is(200);
        Assert.Equal("application/x-ndjson", lines.ContentType);
        var chain = lines.Body.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonElement.Parse(line)).ToArray();
        Assert.Equal(2, chain.Count(entry => Text(entry, "target") == target));
        Assert.All(chain.Zip(chain.Skip(1)), pair => Assert.Equal((pair.First.GetProperty("sequence").GetInt64() + 1, Text(pair.First, "hash")), (pair.Second.GetProperty("sequence").GetInt64(), Text(pair.Second, "previous_hash"))));

        var csv = (await shared.Admin.Get($"/api/audit/export?format=csv&{part}")).Is(200);
        Assert.StartsWith("sequence,at,actor,", csv.Body, StringComparison.Ordinal);
        Assert.Contains($"\"'{target}\"", csv.Body, StringComparison.Ordinal);

        Assert.Empty((await shared.Admin.Get("/api/audit/export?to=2020-01-01T00:00:00Z")).Is(200).Body);
        var all = (await shared.Admin.Get("/api/audit/export")).Is(200).Body.Split('\n')[0];
        Assert.Equal((1, new string('0', 64)), (JsonElement.Parse(all).GetProperty("sequence").GetInt32(), Text(JsonElement.Parse(all), "previous_hash")));
    }

    [Fact] // With a server of its own: of the shared one's log nobody may tamper.
    public async Task What_cannot_be_written_down_is_not_done_and_verify_says_why()
    {
        using var data = new DataDirectory();
        string[] verify = [BuiltProgram.Of("Api"), "audit", "verify"];
        var settings = new Dictionary<string, string> { ["NANNY_Silo__DataDirectory"] = data.Path };
        await using (var server = await ServerProcess.Start(data.Path, SharedServer.Password))
        {
            var admin = await new Caller(server.Url).SignIn("admin", SharedServer.Password);
            await using var host = await HostPeer.Register(admin, Some.Cluster());
            var head = (await Ends(0, "The audit log is whole: ", verify)).Split("It ends at ")[1].Split(';')[0];
            await Ends(0, "The audit log is whole: ", [.. verify, "--expect", head]);
            Assert.Contains(server.Program.Lines, line => line.Contains("The audit log ends at 1:", StringComparison.Ordinal));

            Tell("DROP TRIGGER audit_head_goes_on; UPDATE audit_head SET Sequence = Sequence - 1");
            using var client = new HttpClient { BaseAddress = server.Url, DefaultRequestHeaders = { { "Authorization", $"Bearer {admin.Token}" } } };
            using var refused = await client.PatchAsync($"/api/agents/{host.Id}", new StringContent("""{"notes":"unseen"}"""));
            Assert.Equal(503, (int)refused.StatusCode);
            Assert.Contains("\"code\":\"unavailable\"", await refused.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            Assert.DoesNotContain("unseen", (await admin.Get($"/api/agents/{host.Id}")).Is(200).Body, StringComparison.Ordinal);
            using var form = new FormUrlEncodedContent([new("grant_type", "password"), new("client_id", "nanny-cli"), new("scope", "api"), new("username", "admin"), new("password", SharedServer.Password)]);
            using var signedIn = await client.PostAsync(Registration.TokenEndpoint, form);
            Assert.Equal(503, (int)signedIn.StatusCode); // nobody comes in unseen
            await Ends(1, "was not sealed with this key", verify);
        }

        Tell("UPDATE audit_head SET Sequence = Sequence + 1; DROP TRIGGER audit_log_not_changed; UPDATE audit_log SET Detail = 'another' WHERE Sequence = 2");
        await Ends(1, "The audit log is broken at entry 2: its content is not what was hashed", verify);
        await Ends(2, "--expect takes SEQUENCE:HASH", [.. verify, "--expect", "x"]);
        await Ends(0, "usage: ", [.. verify, "--help"]);
        File.Delete(data.PathOf("audit.key"));
        await Ends(2, "audit.key can't be read", verify);

        // A key that is not the log's is the first thing said, and not a second log.
        await using var other = new RunningProgram([BuiltProgram.Of("Api")], new Dictionary<string, string>(settings) { ["NANNY_urls"] = "http://127.0.0.1:0", ["NANNY_Silo__Port"] = "0" });
        Assert.Equal(1, await other.Exit());
        Assert.Contains("was not sealed with the audit.key in this data directory", other.Log, StringComparison.Ordinal);

        async Task<string> Ends(int code, string saying, string[] command)
        {
            await using var program = new RunningProgram(command, settings);
            Assert.True(code == await program.Exit(), program.Log);
            Assert.Contains(saying, program.Log, StringComparison.Ordinal);
            return program.Log;
        }

        void Tell(string statement)
        {
            using var connection = new SqliteConnection($"Data Source={data.PathOf("history.db")};Pooling=False");
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = statement;
            command.ExecuteNonQuery();
        }
    }

    private async Task<JsonElement[]> Find(string query) => [.. (await shared.Admin.Get($"/api/audit?{query.Replace(" ", "%20", StringComparison.Ordinal)}")).Is(200).Json.EnumerateArray()];

    private async Task<string[]> Said(string query) => [.. (await Find(query)).Select(entry => $"{Text(entry, "actor")}: {Text(entry, "action")} {Text(entry, "result")}")];

    private static string? Text(JsonElement entry, string field) => entry.GetProperty(field).GetString();

    private static string Time(DateTimeOffset at) => at.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
