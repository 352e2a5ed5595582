using System.Text;
using NannyOrleans.Api.Tests.Support;
using NannyOrleans.Protocol;
using OtpNet;

namespace NannyOrleans.Api.Tests.Accounts;

public sealed class SecondFactorTests(SharedServer shared)
{
    [Fact]
    public async Task It_is_asked_for_wherever_a_password_is_and_a_code_is_good_once()
    {
        var (person, totp, codes) = await Enrol();
        Assert.Equal(10, codes.Distinct().Count());
        (await person.PostSession(person.Name, person.Password)).IsProblem(401, "second-factor-required");
        (await person.PostSession(person.Name, "wrong")).IsProblem(401, "wrong-credentials"); // who does not know the password is not told

        Assert.Equal(400, (await Grant(person)).Status);
        Assert.Equal("second_factor_required", (await Grant(person)).Text("error"));
        var code = totp.At(0);
        (await Grant(person, code)).Is(200);
        (await Grant(person, code)).IsOAuthError("invalid_grant"); // somebody has looked over a shoulder
        (await Grant(person, totp.At(-1))).IsOAuthError("invalid_grant"); // nor one from before it
        (await person.PostSession(person.Name, person.Password, totp.At(1))).Is(200);

        (await person.PostSession(person.Name, person.Password, recoveryCode: codes[0])).Is(200);
        (await person.PostSession(person.Name, person.Password, recoveryCode: codes[0])).IsProblem(401, "wrong-credentials");
        (await person.PostSession(person.Name, person.Password, recoveryCode: codes[1].ToLowerInvariant().Replace("-", "", StringComparison.Ordinal))).Is(200);

        var asked = (await Login(person)).Is(200);
        (await ByPage(person, asked, "")).Is(403);
        (await ByPage(person, asked, "000000")).Is(403);
        (await ByPage(person, asked, codes[2])).Is(302);
    }

    [Fact]
    public async Task Codes_are_guessed_no_more_often_than_passwords()
    {
        var (person, _, codes) = await Enrol();
        for (var i = 0; i < 5; i++)
        {
            (await person.PostSession(person.Name, person.Password, recoveryCode: "AAAA-AAAA-AAAA-AAAA")).IsProblem(401, "wrong-credentials");
        }

        (await person.PostSession(person.Name, person.Password, recoveryCode: codes[0])).IsProblem(429, "too-many-requests");
    }

    [Fact]
    public async Task Who_has_lost_all_of_it_is_helped_by_an_administrator()
    {
        var (person, _, _) = await Enrol();
        Assert.True((await shared.Admin.Get($"/api/people/{person.Name}")).Json.GetProperty("second_factor").GetBoolean());
        (await shared.Admin.Send("DELETE", $"/api/people/{person.Name}/second-factor")).Is(204);
        Assert.False((await shared.Admin.Get($"/api/people/{person.Name}")).Json.GetProperty("second_factor").GetBoolean());
        (await person.PostSession(person.Name, person.Password)).Is(200);
        (await shared.Admin.Send("DELETE", "/api/people/nobody/second-factor")).IsProblem(404, "not-found");
    }

    [Fact]
    public async Task It_is_made_confirmed_and_removed_by_its_owner_with_all_that_he_knows()
    {
        var person = await NewPerson.Make(shared);
        var caller = await person.SignInByCookie();
        (await caller.PostJson("/api/account/second-factor", new { password = "wrong" })).IsProblem(401, "wrong-credentials");
        (await caller.PostJson("/api/account/second-factor/confirm", new { code = "123456" })).IsProblem(409, "wrong-code");
        (await caller.PostJson("/api/account/second-factor/remove", new { password = person.Password })).IsProblem(409, "no-second-factor");

        var first = (await caller.PostJson("/api/account/second-factor", new { password = person.Password })).Is(200);
        var second = (await caller.PostJson("/api/account/second-factor", new { password = person.Password })).Is(200);
        Assert.Equal($"otpauth://totp/NannyOrleans:{person.Name}?secret={second.Text("secret")}&issuer=NannyOrleans", second.Text("otpauth_uri"));
        (await person.PostSession(person.Name, person.Password)).Is(200); // not confirmed yet
        (await caller.PostJson("/api/account/second-factor/confirm", new { code = Codes.Of(first).At(0) })).IsProblem(409, "wrong-code");
        var confirmed = (await caller.PostJson("/api/account/second-factor/confirm", new { code = Codes.Of(second).At(0) })).Is(200);
        var codes = confirmed.Json.GetProperty("recovery_codes").EnumerateArray().Select(code => code.GetString()!).ToArray();
        (await caller.Get("/api/session")).IsProblem(401, "unauthorized"); // signed in without it

        caller = shared.Anonymous.WithCookie(confirmed);
        Assert.Equal("{\"enabled\":true,\"recovery_codes_left\":10}", (await caller.Get("/api/account/second-factor")).Is(200).Body);
        foreach (var file in new[] { shared.Accounts, $"{shared.Accounts}-wal" })
        {
            using var open = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(open, Encoding.Latin1);
            var bytes = await reader.ReadToEndAsync();
            Assert.DoesNotContain(second.Text("secret"), bytes, StringComparison.Ordinal);
            Assert.DoesNotContain(codes, code => bytes.Contains(code, StringComparison.Ordinal) || bytes.Contains(code.Replace("-", "", StringComparison.Ordinal), StringComparison.Ordinal));
        }

        (await caller.PostJson("/api/account/second-factor/remove", new { password = person.Password })).IsProblem(401, "second-factor-required");
        (await caller.PostJson("/api/account/second-factor/remove", new { password = person.Password, code = "000000" })).IsProblem(401, "wrong-credentials");
        (await caller.PostJson("/api/account/password", new { password = person.Password, new_password = "a wholly new password" })).IsProblem(401, "second-factor-required");
        (await caller.PostJson("/api/account/second-factor", new { password = person.Password, recovery_code = codes[1] })).IsProblem(409, "has-second-factor");
        (await caller.PostJson("/api/account/second-factor/remove", new { password = person.Password, recovery_code = codes[0] })).Is(204);
        (await person.PostSession(person.Name, person.Password)).Is(200);
        (await person.PostSession(person.Name, person.Password, recoveryCode: codes[2])).Is(200); // it is not asked for, and not looked at
    }

    private async Task<(NewPerson Person, Codes Totp, string[] RecoveryCodes)> Enrol()
    {
        var person = await NewPerson.Make(shared);
        var caller = await person.SignInByCookie();
        var totp = Codes.Of((await caller.PostJson("/api/account/second-factor", new { password = person.Password })).Is(200));
        var confirmed = (await caller.PostJson("/api/account/second-factor/confirm", new { code = totp.At(-1) })).Is(200);
        return (person, totp, [.. confirmed.Json.GetProperty("recovery_codes").EnumerateArray().Select(code => code.GetString()!)]);
    }

    private Task<Answer> Grant(NewPerson person, string? totp = null) => shared.Anonymous.PostForm(
        Registration.TokenEndpoint,
        [("grant_type", "password"), ("client_id", "nanny-cli"), ("username", person.Name), ("password", person.Password), ("scope", "api"), .. totp is null ? Array.Empty<(string, string)>() : [("totp", totp)]]);

    private Task<Answer> Login(NewPerson person) => shared.Anonymous.PostForm(
        Registration.DeviceEndpoint, ("client_id", "nanny-cli"), ("scope", "api offline_access"), ("hostname", $"{person.Name}@laptop"));

    private Task<Answer> ByPage(NewPerson person, Answer asked, string totp) => shared.Anonymous.PostForm(
        "/device", ("user_code", asked.Text("user_code")), ("username", person.Name), ("password", person.Password), ("totp", totp), ("decision", "approve"));

    /// <summary>An authenticator program, all of whose codes are of one moment: the server takes those of the half minute before and after too.</summary>
    private sealed class Codes(string secret, DateTime now)
    {
        public static Codes Of(Answer begun) => new(begun.Text("secret"), TimeProvider.System.GetUtcNow().UtcDateTime);

        public string At(int halfMinutes) => new Totp(Base32Encoding.ToBytes(secret)).ComputeTotp(now.AddSeconds(30 * halfMinutes));
    }
}
