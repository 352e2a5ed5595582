using NannyOrleans.Api.Accounts;
using NannyOrleans.Api.Tests.Support;
using NannyOrleans.Protocol;

namespace NannyOrleans.Api.Tests.Accounts;

/// <summary>What comes of a person's signing in ends together. (Agents' refresh tokens are good more than once: <c>DeviceTests</c>.)</summary>
public sealed class RefreshTokenTests(SharedServer shared)
{
    [Fact]
    public async Task One_that_comes_again_ends_the_whole_sign_in()
    {
        var first = (await (await NewPerson.Make(shared)).AskForTokens()).Is(200);
        var second = (await Refresh(first)).Is(200);
        await IsGood(first);
        await IsGood(second);

        (await Refresh(first)).IsOAuthError("invalid_grant");
        (await Refresh(second)).IsOAuthError("invalid_grant"); // whoever was the thief
        await IsWorthless(first);
        await IsWorthless(second);
    }

    [Fact]
    public async Task Of_those_that_use_one_at_the_same_time_none_keeps_what_came_of_it()
    {
        var tokens = (await (await NewPerson.Make(shared)).AskForTokens()).Is(200);
        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Refresh(tokens)));
        Assert.True(answers.Count(answer => answer.Status is 200) <= 1, string.Join('\n', answers.AsEnumerable()));
        foreach (var answer in answers.Where(answer => answer.Status is 200))
        {
            (await Refresh(answer)).IsOAuthError("invalid_grant");
            await IsWorthless(answer);
        }

        await IsWorthless(tokens);
    }

    [Theory] // RFC 7009: whichever token it shows
    [InlineData("refresh_token")]
    [InlineData("access_token")]
    public async Task A_tool_that_signs_out_leaves_nothing_behind(string shown)
    {
        var person = await NewPerson.Make(shared);
        var (tokens, others) = ((await person.AskForTokens()).Is(200), (await person.AskForTokens()).Is(200));
        (await Revoke(TokenSetup.CommandLineClient, tokens.Text(shown))).Is(200);
        (await Refresh(tokens)).IsOAuthError("invalid_grant");
        await IsWorthless(tokens);
        await IsGood(others); // other sign-ins of the same person
    }

    [Fact]
    public async Task Nobody_ends_what_is_not_his()
    {
        var tokens = (await (await NewPerson.Make(shared)).AskForTokens()).Is(200);
        Assert.NotEqual(200, (await Revoke(Registration.ClientId, tokens.Text("refresh_token"))).Status); // another client
        Assert.NotEqual(200, (await Revoke("somebody", tokens.Text("refresh_token"))).Status);
        var made = tokens.Text("refresh_token")[..^8] + "AAAAAAAA";
        (await Revoke(TokenSetup.CommandLineClient, made)).Is(200); // it says nothing of what there is
        (await shared.Anonymous.Refresh(TokenSetup.CommandLineClient, made)).IsOAuthError("invalid_grant");
        (await shared.Anonymous.Refresh(Registration.ClientId, tokens.Text("refresh_token"))).IsOAuthError("invalid_grant");
        await IsGood(tokens);
    }

    [Fact]
    public async Task An_agents_is_not_ended_as_a_persons()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        (await shared.Anonymous.Refresh(TokenSetup.CommandLineClient, host.RefreshToken)).IsOAuthError("invalid_grant"); // nor used as one
        await Revoke(TokenSetup.CommandLineClient, host.RefreshToken); // whatever the answer is
        await Revoke(Registration.ClientId, host.RefreshToken);
        (await shared.Anonymous.Refresh(Registration.ClientId, host.RefreshToken)).Is(200);
    }

    private Task<Answer> Refresh(Answer tokens) => shared.Anonymous.Refresh(TokenSetup.CommandLineClient, tokens.Text("refresh_token"));

    private Task<Answer> Revoke(string client, string token) => shared.Anonymous.PostForm(TokenSetup.RevocationEndpoint, ("client_id", client), ("token", token));

    private async Task IsGood(Answer tokens) => (await shared.Anonymous.With(tokens.Text("access_token")).Get("/api/session")).Is(200);

    private async Task IsWorthless(Answer tokens) => (await shared.Anonymous.With(tokens.Text("access_token")).Get("/api/session")).IsProblem(401, "unauthorized");
}
