using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.WebUtilities;
using NannyOrleans.Api.Tests.Support;
using NannyOrleans.Protocol;

namespace NannyOrleans.Api.Tests.Accounts;

/// <summary>Tools on a person's machine: RFC 8252, authorization code with PKCE.</summary>
public sealed class AuthorizationCodeTests(SharedServer shared)
{
    private const string Callback = "http://127.0.0.1:50123/callback";
    private readonly string verifier = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    [Fact]
    public async Task A_tool_gets_a_code_for_what_it_kept_to_itself()
    {
        var person = await NewPerson.Make(shared);
        var page = (await shared.Anonymous.Get($"/connect/authorize?{Query()}")).Is(200);
        Assert.Equal("text/html", page.ContentType);
        Assert.Contains("<form method=\"post\" action=\"/connect/authorize\">", page.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page.Body, StringComparison.Ordinal);
        Assert.Contains("form-action 'self' http://127.0.0.1:50123;", page.Header("Content-Security-Policy"), StringComparison.Ordinal);

        var sentBack = Sent((await Approve(person)).Is(302));
        Assert.Equal("xyz", sentBack["state"]);
        (await Exchange(sentBack["code"]!, Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32)))).IsOAuthError("invalid_grant");
        var tokens = (await Exchange(sentBack["code"]!, verifier)).Is(200);
        Assert.Equal(person.Name, (await shared.Anonymous.With(tokens.Text("access_token")).Get("/api/session")).Is(200).Text("user_name"));

        // Somebody has the code too; who was first nobody knows.
        (await Exchange(sentBack["code"]!, verifier)).IsOAuthError("invalid_grant");
        (await shared.Anonymous.With(tokens.Text("access_token")).Get("/api/session")).IsProblem(401, "unauthorized");
        (await shared.Anonymous.Refresh("nanny-cli", tokens.Text("refresh_token"))).IsOAuthError("invalid_grant");
    }

    [Fact]
    public async Task A_tool_is_told_what_the_person_has_decided_and_no_more()
    {
        var person = await NewPerson.Make(shared);
        var wrong = (await Approve(person with { Password = "wrong" })).Is(403);
        Assert.Contains("do not match", wrong.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong\"", wrong.Body, StringComparison.Ordinal); // what was typed is not in the page
        Assert.Equal("access_denied", Sent((await Approve(person, "deny")).Is(302))["error"]);
        Assert.Contains("value=\"&quot;&gt;&lt;b&gt;\"", (await shared.Anonymous.Get($"/connect/authorize?{Query(("state", "\"><b>"))}")).Is(200).Body, StringComparison.Ordinal);
        var narrow = Sent((await Approve(person, more: ("scope", "view"))).Is(302));
        Assert.Equal("view", (await shared.Anonymous.With((await Exchange(narrow["code"]!, verifier)).Is(200).Text("access_token")).Get("/api/session")).Json.GetProperty("scopes")[0].GetString());
    }

    [Theory]
    [InlineData("code_challenge", null)]
    [InlineData("code_challenge_method", "plain")]
    [InlineData("code_challenge_method", null)]
    [InlineData("response_type", "token")] // the token itself in an address
    [InlineData("scope", "agent")]
    public async Task Nothing_weaker_is_given_out(string parameter, string? value)
    {
        var query = Query((parameter, value));
        var answer = (await shared.Anonymous.PostForm("/connect/authorize", [.. Form(query), ("decision", "approve")])).Is(400);
        Assert.Contains("error:", answer.Body, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://evil.example/callback")]
    [InlineData("http://127.0.0.1.evil.example/callback")]
    [InlineData("https://127.0.0.1/callback")]
    [InlineData("http://127.0.0.1:50123/elsewhere")]
    [InlineData("http://user@127.0.0.1:50123/callback")]
    [InlineData("javascript:alert(1)")]
    [InlineData(null)]
    public async Task Nobody_is_sent_anywhere_but_to_a_tool_on_the_same_machine(string? redirect)
    {
        var answer = (await shared.Anonymous.Get($"/connect/authorize?{Query(("redirect_uri", redirect))}")).Is(400);
        Assert.Null(answer.Header("Location"));
    }

    private string Query(params (string Name, string? Value)[] changes)
    {
        var fields = new Dictionary<string, string?>
        {
            ["client_id"] = "nanny-cli",
            ["response_type"] = "code",
            ["redirect_uri"] = Callback,
            ["scope"] = "api offline_access",
            ["state"] = "xyz",
            ["code_challenge"] = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier))),
            ["code_challenge_method"] = "S256",
        };
        foreach (var (name, value) in changes)
        {
            fields[name] = value;
        }

        return QueryHelpers.AddQueryString("", fields).TrimStart('?');
    }

    private Task<Answer> Approve(NewPerson person, string decision = "approve", params (string Name, string? Value)[] more) => shared.Anonymous.PostForm(
        "/connect/authorize", [.. Form(Query(more)), ("username", person.Name), ("password", person.Password), ("decision", decision)]);

    private Task<Answer> Exchange(string code, string proof) => shared.Anonymous.PostForm(
        Registration.TokenEndpoint, ("grant_type", "authorization_code"), ("client_id", "nanny-cli"), ("code", code), ("redirect_uri", Callback), ("code_verifier", proof));

    private static IEnumerable<(string, string)> Form(string query) => QueryHelpers.ParseQuery(query).Select(field => (field.Key, field.Value.ToString()));

    private static Dictionary<string, string?> Sent(Answer answer) =>
        QueryHelpers.ParseQuery(new Uri(answer.Header("Location")!).Query).ToDictionary(field => field.Key, field => (string?)field.Value.ToString());
}
