using System.Globalization;
using System.Text.RegularExpressions;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Api.Tests.Support;

namespace NannyOrleans.Api.Tests.Attacks;

/// <summary>Too much of what is allowed once: it is refused with a word and a time, and costs nobody else anything.</summary>
public sealed partial class FloodTests(LimitedServer limited) : IClassFixture<LimitedServer>
{
    private readonly Caller anonymous = limited.Anonymous;
    private readonly Caller home = limited.Anonymous.From(LimitedServer.Home);

    [Fact] // One after the other: the second leaves nothing to be tried from elsewhere.
    public async Task Guessing_shuts_out_the_guesser_and_not_who_knows_the_password()
    {
        await Guess();
        await FailTenThousandTimes();
    }

    private async Task Guess()
    {
        var guesser = anonymous.From("198.51.100.1");
        var refresh = (await home.AskForToken("admin", SharedServer.Password)).Is(200).Text("refresh_token");
        for (var attempt = 0; attempt < 5; attempt++)
        {
            // Every second one at the page: both doors count.
            var wrong = attempt % 2 is 0
                ? (await guesser.AskForToken("admin", $"wrong password {attempt}")).IsOAuthError("invalid_grant")
                : (await guesser.PostForm("/device", ("username", "admin"), ("password", $"wrong password {attempt}"), ("decision", "approve"))).Is(403).Body;
            Assert.Contains("do not match", wrong, StringComparison.Ordinal);
        }

        // Not even the right one, or guessing would go on.
        var refused = await guesser.AskForToken("admin", SharedServer.Password);
        refused.IsProblem(429, "too-many-requests");
        Assert.InRange(Wait(refused), 1, 60);
        var page = await guesser.PostForm("/device", ("username", "admin"), ("password", SharedServer.Password), ("decision", "approve"));
        Assert.InRange(Wait(page.Is(429)), 1, 60);
        Assert.Contains("too many wrong passwords", page.Body, StringComparison.Ordinal);

        // Nobody can be told from this whether there is such an account.
        for (var attempt = 0; attempt < 5; attempt++)
        {
            (await guesser.AskForToken("nobody", "x")).IsOAuthError("invalid_grant");
        }

        (await guesser.AskForToken("nobody", "x")).IsProblem(429, "too-many-requests");

        (await home.AskForToken("admin", SharedServer.Password)).Is(200);
        (await anonymous.From("192.0.2.99").AskForToken("admin", SharedServer.Password)).Is(200); // nor who comes from anywhere else
        (await anonymous.Refresh(TokenSetup.CommandLineClient, refresh)).Is(200);
        Assert.DoesNotContain(limited.Server.Program.Lines, line => line.Contains("wrong password 0", StringComparison.Ordinal) || line.Contains(SharedServer.Password, StringComparison.Ordinal));
        Assert.Contains(limited.Server.Program.Lines, line => line.Contains("Sign-in as admin from 198.51.100.1 refused", StringComparison.Ordinal));
    }

    private async Task FailTenThousandTimes()
    {
        var admin = await home.SignIn("admin", SharedServer.Password);
        var before = Resident();
        var flood = Task.WhenAll(Enumerable.Range(0, 10).Select(Fail));

        // Meanwhile: whatever people and agents do.
        var done = 0;
        using var turn = new PeriodicTimer(TimeSpan.FromMilliseconds(250));
        while (!flood.IsCompleted || done is 0)
        {
            await turn.WaitForNextTickAsync(TestContext.Current.CancellationToken);
            (await anonymous.Get("/healthz")).Is(200);
            Assert.NotEqual(401, (await admin.Get("/api/agents")).Status);
            (await home.AskForToken("admin", SharedServer.Password)).Is(200);
            done++;
        }

        var answers = (await flood.Within("ten thousand refusals")).SelectMany(one => one).ToLookup(status => status);
        Assert.Equal((10_000, 0), (answers[400].Count() + answers[429].Count(), answers[200].Count()));
        Assert.InRange(answers[400].Count(), 1, 200); // which is how many passwords were looked at
        Assert.InRange(Resident() - before, long.MinValue, 150_000_000);
    }

    /// <summary>A thousand at once, as somebody who means it sends them.</summary>
    private async Task<IReadOnlyList<int>> Fail(int part)
    {
        using var raw = await RawHttp.Connect(limited.Server.Url);
        await raw.Send(string.Concat(Enumerable.Range(part * 1000, 1000).Select(i =>
        {
            // A third at his account from everywhere, a third at all accounts from one place, the rest at his from there.
            var (from, name) = (i % 3) switch
            {
                0 => (string.Create(CultureInfo.InvariantCulture, $"2001:db8:{i & 0xff:x}:{i:x}::1"), "admin"),
                1 => ("203.0.113.1", $"person{i}"),
                _ => ("203.0.113.2", "admin"),
            };
            var form = $"grant_type=password&client_id={TokenSetup.CommandLineClient}&scope=api&username={name}&password=guessed";
            return $"POST /connect/token HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {from}\r\nContent-Type: application/x-www-form-urlencoded\r\n{(i % 1000 is 999 ? "Connection: close\r\n" : "")}Content-Length: {form.Length}\r\n\r\n{form}";
        })));
        return [.. Status().Matches(await raw.ReadToEnd()).Select(status => int.Parse(status.Groups[1].Value, CultureInfo.InvariantCulture))];
    }

    [Fact]
    public async Task Device_codes_are_given_to_an_address_at_a_persons_pace()
    {
        var host = anonymous.From("198.51.100.20");
        var given = 0;
        Answer last;
        while ((last = await HostPeer.AskForCode(host, Some.Cluster().Value, "pve1", "pve1", "lab")).Status is 200)
        {
            given++;
            Assert.True(given < 100, "No end to it.");
        }

        last.IsProblem(429, "too-many-requests");
        Assert.InRange(Wait(last), 1, 60);
        Assert.InRange(given, 2 * LimitedServer.RegistrationsPerMinute, (2 * LimitedServer.RegistrationsPerMinute) + 10);

        // Codes can't be tried out either, however the address is written.
        foreach (var path in (string[])["/device?user_code=BBBB-BBBB", "/DEVICE?user_code=BBBB-BBBB", "/device/?user_code=BBBB-BBBB", "/connect/device/", "/Connect/Device"])
        {
            (await host.Get(path)).IsProblem(429, "too-many-requests");
        }

        (await HostPeer.AskForCode(anonymous.From("198.51.100.21"), Some.Cluster().Value, "pve1", "pve1", "lab")).Is(200);
        (await HostPeer.Poll(host, "unknown")).IsOAuthError("invalid_grant"); // nor does it concern who waits for his, and renewals
        (await home.AskForToken("admin", SharedServer.Password)).Is(200);
    }

    [Fact]
    public async Task One_caller_who_asks_without_end_waits_and_others_do_not()
    {
        var admin = await home.SignIn("admin", SharedServer.Password);
        await using var host = await HostPeer.Register(admin, Some.Cluster());
        Answer? refused = null;
        for (var asked = 0; refused is null; asked += 16)
        {
            Assert.True(asked < 100_000, "No end to it.");
            refused = (await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => admin.Get("/api/diagnoses/01M83HW1FS84TGPXTCYJ45S8G9")))).FirstOrDefault(answer => answer.Status is 429);
        }

        refused.IsProblem(429, "too-many-requests");
        Assert.Equal(1, Wait(refused));
        (await admin.With(host.AccessToken).Get("/api/scripts/apt-update.sh/content")).Is(200);
        await host.ConnectWith(limited.Server.Url, Some.Container());
        await Waiting.Until(() => admin.Get($"/api/agents/{host.Id}"), answer => answer.Status is 200, "the caller's next turn");
    }

    private static int Wait(Answer answer) => int.Parse(answer.Header("Retry-After") ?? "0", CultureInfo.InvariantCulture);

    private long Resident() => 1024 * long.Parse(Rss().Match(File.ReadAllText($"/proc/{limited.Server.Program.Id}/status")).Groups[1].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex("HTTP/1.1 (\\d{3}) ")]
    private static partial Regex Status();

    [GeneratedRegex("VmRSS:\\s+(\\d+) kB")]
    private static partial Regex Rss();
}
