using NannyOrleans.Api.Tests.Support;

namespace NannyOrleans.Api.Tests.People;

public sealed class PeopleTests(SharedServer shared)
{
    [Theory]
    [InlineData("""{}""", "user_name")]
    [InlineData("""{"user_name":"with space"}""", "user_name")]
    [InlineData("""{"user_name":"half\n"}""", "user_name")]
    [InlineData("""{"user_name":"a","password":"short"}""", "password")]
    [InlineData("""{"user_name":"a","password":12}""", "password")]
    [InlineData("""{"user_name":"a","password":"\ud800 half a character"}""", "password")]
    [InlineData("""{"user_name":"a","roles":[{"role":"root"}]}""", "roles[0].role")]
    [InlineData("""{"user_name":"a","roles":[null]}""", "roles[0].role")]
    [InlineData("""{"user_name":"a","roles":[{"role":"Viewer"}]}""", "roles[0].role")]
    [InlineData("""{"user_name":"a","roles":[{"role":"viewer","cluster":"no cluster of this name"}]}""", "roles[0].cluster")]
    [InlineData("""{"user_name":"a","roles":[{"role":"viewer"},{"role":"viewer","cluster":"c0123456789abcdef"}]}""", "roles[1].cluster")]
    [InlineData("""{"user_name":"a","roles":[{"role":"viewer","cluster":""}]}""", "roles[0].cluster")] // what an empty variable means is not everything
    [InlineData("""{"user_name":"a","disabled":true}""", "disabled")]
    public async Task What_is_wrong_is_named_and_no_account_is_made(string body, string field)
    {
        (await shared.Admin.PostLikeCurl("/api/people", body)).NamesField(field);
        (await shared.Admin.Get("/api/people/a")).IsProblem(404, "not-found");
    }

    [Fact]
    public async Task An_account_has_the_roles_that_were_given_and_its_password_is_said_once()
    {
        var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        var name = $"kim-{host.Cluster}";
        var made = (await shared.Admin.PostLikeCurl("/api/people", $$"""{"user_name":"{{name}}","roles":[{"role":"viewer"},{"role":"operator","cluster":"{{host.ClusterName}}"},{"role":"viewer"}]}""")).Is(201);
        Assert.Equal($"/api/people/{made.Text("id")}", made.Header("Location"));
        var again = (await shared.Admin.Get($"/api/people/{name.ToUpperInvariant()}")).Is(200);
        Assert.Equal([("viewer", null), ("operator", host.Cluster.Value)], again.Json.GetProperty("roles").EnumerateArray().Select(role => (role.GetProperty("role").GetString()!, role.GetProperty("cluster").GetString())));
        Assert.Equal(System.Text.Json.JsonValueKind.Null, again.Json.GetProperty("password").ValueKind);
        Assert.Contains((await shared.Admin.Get("/api/people")).Is(200).Json.EnumerateArray(), one => one.GetProperty("user_name").GetString() == name);
        (await shared.Admin.PostLikeCurl("/api/people", $$"""{"user_name":"{{name}}"}""")).IsProblem(409, "name-taken");
        await shared.Anonymous.SignIn(name, made.Text("password"));
    }

    [Fact]
    public async Task What_is_taken_away_ends_at_once_whatever_token_is_still_good()
    {
        var (caller, name) = await shared.SignInNamed(("operator", null));
        (await caller.PostLikeCurl("/api/patches", "{}")).Is(400);
        (await shared.Admin.Patch($"/api/people/{name}", """{"roles":[{"role":"viewer"}]}""")).Is(200);
        (await caller.PostLikeCurl("/api/patches", "{}")).IsProblem(403, "forbidden");
        (await caller.Get("/api/agents?per_page=1")).Is(200);
        (await shared.Admin.Patch($"/api/people/{name}", """{"roles":[]}""")).Is(200);
        (await caller.Get("/api/agents?per_page=1")).IsProblem(403, "forbidden");
    }

    [Theory]
    [InlineData("""{"password":null}""")]
    [InlineData("""{"disabled":true}""")]
    [InlineData(null)]
    public async Task Another_password_a_disabled_and_a_deleted_account_end_what_was_signed_in(string? change)
    {
        var (caller, name) = await shared.SignInNamed(("viewer", null));
        var tokens = (await shared.Admin.Patch($"/api/people/{name}", """{"password":"a password of its own"}""")).Is(200);
        Assert.Equal(System.Text.Json.JsonValueKind.Null, tokens.Json.GetProperty("password").ValueKind); // it is known
        (await caller.Get("/api/agents?per_page=1")).IsProblem(401, "unauthorized");
        var answer = (await shared.Anonymous.AskForToken(name, "a password of its own")).Is(200);
        (await (change is null ? shared.Admin.Send("DELETE", $"/api/people/{name}") : shared.Admin.Patch($"/api/people/{name}", change))).Is(change is null ? 204 : 200);
        (await shared.Anonymous.With(answer.Text("access_token")).Get("/api/agents?per_page=1")).IsProblem(401, "unauthorized");
        (await shared.Anonymous.Refresh("nanny-cli", answer.Text("refresh_token"))).IsOAuthError("invalid_grant");
        (await shared.Anonymous.AskForToken(name, "a password of its own")).IsOAuthError("invalid_grant");
        if (change?.Contains("disabled", StringComparison.Ordinal) is true)
        {
            (await shared.Admin.Patch($"/api/people/{name}", """{"disabled":false}""")).Is(200);
            await shared.Anonymous.SignIn(name, "a password of its own");
        }
    }

    [Theory]
    [InlineData("""{}""", "body")]
    [InlineData("""{"user_name":"other"}""", "user_name")]
    [InlineData("""{"password":"short"}""", "password")]
    [InlineData("""{"roles":[{}]}""", "roles[0].role")]
    public async Task A_change_that_is_none_is_refused_by_the_fields_name(string body, string field)
    {
        var (_, name) = await shared.SignInNamed();
        (await shared.Admin.Patch($"/api/people/{name}", body)).NamesField(field);
    }
}
