using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using NannyOrleans.Api.Tests.Support;

namespace NannyOrleans.Api.Tests.Accounts;

public sealed class PersonalTokenTests(SharedServer shared)
{
    [Fact]
    public async Task One_is_shown_once_works_until_it_is_revoked_and_is_kept_as_a_hash()
    {
        var person = await NewPerson.Make(shared);
        var caller = await person.SignIn();
        var made = (await Make(caller)).Is(201);
        Assert.StartsWith("nanny_pat_", made.Text("token"), StringComparison.Ordinal);
        Assert.Equal(["view", "operate"], made.Json.GetProperty("scopes").EnumerateArray().Select(scope => scope.GetString()));
        var list = (await caller.Get("/api/tokens")).Is(200);
        Assert.DoesNotContain(made.Text("token"), list.Body, StringComparison.Ordinal);
        Assert.Contains("\"last_used_at\":null", list.Body, StringComparison.Ordinal);

        var program = shared.Anonymous.With(made.Text("token"));
        var who = (await program.Get("/api/session")).Is(200);
        Assert.Equal(person.Name, who.Text("user_name"));
        Assert.Equal(["view", "operate"], who.Json.GetProperty("scopes").EnumerateArray().Select(scope => scope.GetString()));
        Assert.DoesNotContain("\"last_used_at\":null", (await caller.Get("/api/tokens")).Body, StringComparison.Ordinal);

        foreach (var file in new[] { shared.Accounts, $"{shared.Accounts}-wal" })
        {
            using var open = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(open, Encoding.Latin1);
            Assert.DoesNotContain(made.Text("token")["nanny_pat_".Length..], await reader.ReadToEndAsync(), StringComparison.Ordinal);
        }

        (await caller.Send("DELETE", $"/api/tokens/{made.Text("id")}")).Is(204);
        (await program.Get("/api/session")).IsProblem(401, "unauthorized");
        (await caller.Send("DELETE", $"/api/tokens/{made.Text("id")}")).IsProblem(404, "not-found");
    }

    [Fact]
    public async Task One_ends_by_itself()
    {
        var caller = await (await NewPerson.Make(shared)).SignIn();
        var program = shared.Anonymous.With((await Make(caller, "expires_at", In(TimeSpan.FromSeconds(2)))).Is(201).Text("token"));
        await Waiting.Until(() => program.Get("/api/session"), answer => answer.Status is 401, "a token to expire");
    }

    [Theory]
    [InlineData("name", null)]
    [InlineData("name", "\" \"")]
    [InlineData("name", "\"two\\nlines\"")]
    [InlineData("scopes", null)]
    [InlineData("scopes", "[]")]
    [InlineData("scopes", "[\"api\"]")] // all that a person may do, he does himself
    [InlineData("scopes", "[\"view\",\"agent\"]")]
    [InlineData("scopes", "[null]")]
    [InlineData("expires_at", null)]
    [InlineData("expires_at", "\"tomorrow\"")]
    [InlineData("expires_at", "\"2020-01-01\"")]
    [InlineData("expires_at", "\"2999-01-01\"")] // a year at most
    public async Task What_it_is_to_be_must_be_said(string field, string? value)
    {
        var said = (await Make(shared.Admin, field, value is null ? null : JsonNode.Parse(value))).NamesField(field);
        Assert.StartsWith("It must be", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_token_makes_a_token_or_says_who_one_is()
    {
        var person = await NewPerson.Make(shared);
        var program = shared.Anonymous.With((await Make(await person.SignIn())).Is(201).Text("token"));
        (await Make(program)).IsProblem(403, "forbidden");
        (await program.Get("/api/tokens")).IsProblem(403, "forbidden");
        (await program.PostJson("/api/account/password", new { password = person.Password, new_password = "another password" })).IsProblem(403, "forbidden");
        var code = (await HostPeer.AskForCode(shared.Anonymous, Some.Cluster().Value, "pve1", "pve1", "lab")).Is(200);
        (await program.PostForm("/device", ("user_code", code.Text("user_code")), ("decision", "approve"))).IsProblem(403, "forbidden");
    }

    [Fact]
    public async Task One_that_is_not_as_it_was_given_out_opens_nothing()
    {
        var token = (await Make(await (await NewPerson.Make(shared)).SignIn())).Is(201).Text("token");
        foreach (var bad in new[] { token[..^1], token + "A", token[..^1] + (token[^1] is 'A' ? 'B' : 'A'), token.ToUpperInvariant(), "nanny_pat_", "nanny_pat_' OR 1=1", token + " " + token })
        {
            (await shared.Anonymous.With(bad).Get("/api/session")).IsProblem(401, "unauthorized");
        }

        (await shared.Anonymous.With(token).Get("/api/session")).Is(200);
    }

    [Fact]
    public async Task Others_are_there_for_administrators_alone()
    {
        var person = await NewPerson.Make(shared);
        var id = (await Make(await person.SignIn())).Is(201).Text("id");
        var other = await (await NewPerson.Make(shared)).SignIn();
        (await other.Send("DELETE", $"/api/tokens/{id}")).IsProblem(404, "not-found");
        (await other.Get($"/api/tokens?person={person.Name}")).IsProblem(403, "forbidden");
        (await other.Send("DELETE", $"/api/tokens/{id}?person={person.Name}")).IsProblem(403, "forbidden");
        Assert.Contains(id, (await shared.Admin.Get($"/api/tokens?person={person.Name}")).Is(200).Body, StringComparison.Ordinal);
        (await shared.Admin.Get("/api/tokens?person=nobody")).IsProblem(404, "not-found");
        (await shared.Admin.Send("DELETE", $"/api/tokens/{id}?person={person.Name}")).Is(204);
    }

    private static string In(TimeSpan time) => TimeProvider.System.GetUtcNow().Add(time).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static Task<Answer> Make(Caller caller, string? field = null, JsonNode? value = null)
    {
        var body = new JsonObject { ["name"] = "cron on nas", ["scopes"] = new JsonArray("operate", "view"), ["expires_at"] = In(TimeSpan.FromDays(30)) };
        if (field is not null)
        {
            body[field] = value;
        }

        return caller.PostJson("/api/tokens", body);
    }
}
