using System.Text.Json.Nodes;
using NannyOrleans.Api.Tests.Support;
using NannyOrleans.Protocol;

namespace NannyOrleans.Api.Tests.Accounts;

/// <summary><c>nannyctl login</c> as a process, and what a code of it is good for.</summary>
public sealed class LoginTests(SharedServer shared) : IDisposable
{
    private readonly DataDirectory config = new();

    private string Logins => config.PathOf("nannyctl/logins.json");

    public void Dispose() => config.Dispose();

    [Fact]
    public async Task A_command_line_is_signed_in_by_whoever_approves_it_stays_so_and_is_signed_out()
    {
        var person = await NewPerson.Make(shared);
        await using (var login = Start("login"))
        {
            var line = await login.Line("type the code");
            (await ByPage(person, line.Split(' ')[^1], "approve")).Is(302);
            Assert.Equal(0, await login.Exit());
            Assert.Equal($"Signed in to {shared.Server.Url} as {person.Name}.", login.Lines[^1]);
        }

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Logins));
        var stolen = await File.ReadAllTextAsync(Logins);
        var (code, said) = await Ctl("campaign", "list", "nowhere");
        Assert.Equal(1, code); // nothing is granted to him
        Assert.DoesNotContain("does not know who asks", said, StringComparison.Ordinal);

        // Two that find the access token expired do not take each other for thieves.
        var logins = JsonNode.Parse(stolen)!;
        logins["servers"]![shared.Server.Url.AbsoluteUri]!["expires_at"] = "2020-01-01T00:00:00+00:00";
        await File.WriteAllTextAsync(Logins, logins.ToJsonString());
        await Task.WhenAll(Ctl("campaign", "list", "nowhere"), Ctl("campaign", "list", "nowhere"));
        var renewed = JsonNode.Parse(await File.ReadAllTextAsync(Logins))!["servers"]![shared.Server.Url.AbsoluteUri]!;
        Assert.NotEqual(logins["servers"]![shared.Server.Url.AbsoluteUri]!["refresh_token"]!.GetValue<string>(), renewed["refresh_token"]!.GetValue<string>());

        Assert.Equal(0, (await Ctl("logout")).Code);
        Assert.DoesNotContain("refresh_token", await File.ReadAllTextAsync(Logins), StringComparison.Ordinal);
        (await shared.Anonymous.Refresh("nanny-cli", renewed["refresh_token"]!.GetValue<string>())).IsOAuthError("invalid_grant");
        (await shared.Anonymous.With(renewed["access_token"]!.GetValue<string>()).Get("/api/session")).IsProblem(401, "unauthorized");
        Assert.Equal(1, (await Ctl("logout")).Code);
    }

    [Fact]
    public async Task One_that_is_denied_says_so()
    {
        await using var login = Start("login");
        (await ByPage(await NewPerson.Make(shared), (await login.Line("type the code")).Split(' ')[^1], "deny")).Is(302);
        Assert.Equal(1, await login.Exit());
        Assert.Equal("It was denied.", login.Lines[^1]);
        Assert.False(File.Exists(Logins));
    }

    [Fact]
    public async Task Whoever_has_an_account_signs_in_a_command_line_and_an_administrator_alone_a_host()
    {
        var person = await NewPerson.Make(shared);
        var host = (await HostPeer.AskForCode(shared.Anonymous, Some.Cluster().Value, "pve1", "pve1", "lab")).Is(200);
        Assert.Contains("administrator", (await ByPage(person, host.Text("user_code"), "approve")).Is(403).Body, StringComparison.Ordinal);
        (await ByPage(person, host.Text("user_code"), "deny")).Is(403); // nor is it his to refuse
        (await (await person.SignIn()).PostForm("/device", ("user_code", host.Text("user_code")), ("decision", "approve"))).IsProblem(403, "forbidden");
        (await HostPeer.Poll(shared.Anonymous, host.Text("device_code"))).IsOAuthError("authorization_pending");

        var code = (await Ask()).Is(200);
        var page = (await shared.Anonymous.Get($"/device?user_code={code.Text("user_code")}")).Is(200);
        Assert.Contains("sign in <strong>as you</strong>", page.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("root rights", page.Body, StringComparison.Ordinal);
        (await (await person.SignIn()).PostForm("/device", ("user_code", code.Text("user_code")), ("decision", "approve"))).Is(302);
        var tokens = (await Poll(code)).Is(200);
        Assert.Equal(person.Name, (await shared.Anonymous.With(tokens.Text("access_token")).Get("/api/session")).Is(200).Text("user_name"));
        (await Poll(code)).IsOAuthError("invalid_grant"); // a code is good once
    }

    [Fact]
    public async Task One_that_was_approved_before_the_password_changed_gets_nothing()
    {
        var person = await NewPerson.Make(shared);
        var code = (await Ask()).Is(200);
        (await ByPage(person, code.Text("user_code"), "approve")).Is(302);
        (await (await person.SignInByCookie()).PostJson("/api/account/password", new { password = person.Password, new_password = "another one altogether" })).Is(204);
        (await Poll(code)).IsOAuthError("invalid_grant");
    }

    [Theory]
    [InlineData("hostname", null)]
    [InlineData("hostname", "two\nlines")]
    [InlineData("scope", "agent")] // what opens the hub is for agents
    public async Task What_it_says_of_itself_must_be_whole(string parameter, string? value) =>
        (await shared.Anonymous.PostForm(Registration.DeviceEndpoint, [.. About().Where(field => field.Name != parameter), .. value is null ? Array.Empty<(string, string)>() : [(parameter, value)]]))
            .IsOAuthError("invalid_request");

    private static (string Name, string Value)[] About() => [("client_id", "nanny-cli"), ("scope", "api offline_access"), ("hostname", "me@laptop")];

    private Task<Answer> Ask() => shared.Anonymous.PostForm(Registration.DeviceEndpoint, About());

    private Task<Answer> Poll(Answer code) => shared.Anonymous.PostForm(
        Registration.TokenEndpoint, ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", code.Text("device_code")), ("client_id", "nanny-cli"));

    private Task<Answer> ByPage(NewPerson person, string code, string decision) => shared.Anonymous.PostForm(
        "/device", ("user_code", code), ("username", person.Name), ("password", person.Password), ("decision", decision));

    private RunningProgram Start(params string[] arguments) => new(
        [BuiltProgram.Of("Ctl"), .. arguments], new Dictionary<string, string> { ["NANNY_URL"] = shared.Server.Url.ToString(), ["XDG_CONFIG_HOME"] = config.Path });

    private async Task<(int Code, string Said)> Ctl(params string[] arguments)
    {
        await using var program = Start(arguments);
        return (await program.Exit(), program.Log);
    }
}
