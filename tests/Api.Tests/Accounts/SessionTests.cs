using NannyOrleans.Api.Tests.Support;

namespace NannyOrleans.Api.Tests.Accounts;

/// <summary>Signing in with a browser.</summary>
public sealed class SessionTests(SharedServer shared)
{
    [Fact]
    public async Task The_cookie_is_of_use_to_this_servers_pages_alone_and_ends_with_the_sign_in()
    {
        var person = await NewPerson.Make(shared);
        var signedIn = (await person.PostSession(person.Name, person.Password)).Is(200);
        Assert.Equal(person.Name, signedIn.Text("user_name"));
        var cookie = signedIn.Header("Set-Cookie")!.ToLowerInvariant();
        Assert.Contains("httponly", cookie, StringComparison.Ordinal);
        Assert.Contains("samesite=strict", cookie, StringComparison.Ordinal);
        Assert.DoesNotContain("secure", cookie, StringComparison.Ordinal); // over http it would never come back
        var caller = shared.Anonymous.WithCookie(signedIn);
        Assert.Equal(person.Name, (await caller.Get("/api/session")).Is(200).Text("user_name"));

        (await caller.Send("DELETE", "/api/session")).Is(204);
        (await caller.Get("/api/session")).IsProblem(401, "unauthorized"); // a copy of it
    }

    [Fact]
    public async Task Over_https_the_cookie_stays_there()
    {
        var person = await NewPerson.Make(shared);
        var answer = await shared.Anonymous.Saying(("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "nanny.example.com"), ("Origin", "https://nanny.example.com"))
            .PostJson("/api/session", new { user_name = person.Name, password = person.Password });
        Assert.Contains("; secure", answer.Is(200).Header("Set-Cookie"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, null, false)] // no browser of today
    [InlineData("cross-site", null, false)]
    [InlineData("same-site", null, false)] // another port or another name below the same one
    [InlineData("none", null, false)]
    [InlineData("cross-site", "self", false)] // the browser knows better
    [InlineData(null, "http://evil.example", false)]
    [InlineData(null, "null", false)]
    [InlineData(null, "self", true)] // over plain http there is no other
    [InlineData("same-origin", null, true)]
    public async Task What_changes_something_must_come_from_a_page_of_this_server(string? site, string? origin, bool isTaken)
    {
        var person = await NewPerson.Make(shared);
        var cookie = ("Cookie", (await person.PostSession(person.Name, person.Password)).Header("Set-Cookie")!.Split(';')[0]);
        var said = new[] { ("Sec-Fetch-Site", site), ("Origin", origin is "self" ? shared.Server.Url.GetLeftPart(UriPartial.Authority) : origin) }
            .Where(header => header.Item2 is not null).Select(header => (header.Item1, header.Item2!)).ToArray();
        var page = shared.Anonymous.Saying([cookie, .. said]);
        (await page.Get("/api/session")).Is(200); // no other site can read the answer
        (await page.Saying(("Upgrade", "websocket")).Get("/api/session")).Is(isTaken ? 200 : 403); // but a connection it could use
        var signIn = await shared.Anonymous.Saying(said).PostJson("/api/session", new { user_name = person.Name, password = person.Password });
        var signOut = await page.Send("DELETE", "/api/session");
        if (isTaken)
        {
            signIn.Is(200);
            signOut.Is(204);
        }
        else
        {
            signIn.IsProblem(403, "cross-site");
            signOut.IsProblem(403, "cross-site");
            (await page.PostForm("/device", ("user_code", "BBBB-BBBB"), ("decision", "approve"))).IsProblem(403, "cross-site");
        }
    }

    [Fact]
    public async Task A_header_says_who_calls_whatever_cookie_is_there()
    {
        var (one, other) = (await NewPerson.Make(shared), await NewPerson.Make(shared));
        var both = (await one.SignInByCookie()).With((await other.SignIn()).Token);
        Assert.Equal(other.Name, (await both.Get("/api/session")).Is(200).Text("user_name"));
        (await both.With("garbage").Get("/api/session")).IsProblem(401, "unauthorized"); // and a wrong one is not made up for
    }

    [Fact]
    public async Task A_cookie_that_was_not_given_out_as_it_is_opens_nothing()
    {
        var person = await NewPerson.Make(shared);
        var good = (await person.PostSession(person.Name, person.Password)).Header("Set-Cookie")!.Split(';')[0];
        var middle = good.Length / 2;
        foreach (var bad in new[] { "nanny_session=", "nanny_session=x", good[..^4], string.Concat(good.AsSpan(0, middle), good[middle] is 'A' ? "B" : "A", good.AsSpan(middle + 1)) })
        {
            (await shared.Anonymous.FromItsPage().Saying(("Cookie", bad)).Get("/api/session")).IsProblem(401, "unauthorized");
        }
    }

    [Theory]
    [InlineData("right", "wrong")]
    [InlineData("right", "")]
    [InlineData("wrong", "right")]
    [InlineData("", "right")]
    public async Task Whoever_is_not_the_person_learns_nothing_of_him(string name, string password)
    {
        var person = await NewPerson.Make(shared);
        var answer = await person.PostSession(name is "right" ? person.Name : name, password is "right" ? person.Password : password);
        Assert.Equal(
            "User name and password do not match, or the account is locked.",
            answer.IsProblem(401, "wrong-credentials").GetProperty("detail").GetString());
        Assert.Null(answer.Header("Set-Cookie"));
    }

    [Fact]
    public async Task After_too_many_wrong_passwords_the_right_one_is_refused_too_and_who_is_signed_in_stays()
    {
        var person = await NewPerson.Make(shared);
        var tokens = (await person.AskForTokens()).Is(200);
        var cookie = await person.SignInByCookie();
        for (var attempt = 0; attempt < 5; attempt++)
        {
            // All doors count together.
            var wrong = $"wrong password {attempt} of {person.Name}";
            var refused = (attempt % 3) switch
            {
                0 => (await person.PostSession(person.Name, wrong)).IsProblem(401, "wrong-credentials").GetProperty("detail").GetString()!,
                1 => (await shared.Anonymous.AskForToken(person.Name, wrong)).IsOAuthError("invalid_grant"),
                _ => (await shared.Anonymous.PostForm("/device", ("username", person.Name), ("password", wrong), ("decision", "approve"))).Is(403).Body,
            };
            Assert.Contains("locked", refused, StringComparison.Ordinal);
        }

        (await person.PostSession(person.Name, person.Password)).IsProblem(429, "too-many-requests");
        (await person.AskForTokens()).IsProblem(429, "too-many-requests");
        (await cookie.Get("/api/session")).Is(200); // or anybody could sign out anybody
        (await shared.Anonymous.Refresh("nanny-cli", tokens.Text("refresh_token"))).Is(200);
        Assert.DoesNotContain(shared.Server.Program.Lines, line => line.Contains("wrong password", StringComparison.Ordinal) || line.Contains(person.Password, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_changed_password_ends_what_was_signed_in_with_the_old_one()
    {
        var person = await NewPerson.Make(shared);
        var tokens = (await person.AskForTokens()).Is(200);
        var (here, elsewhere) = (await person.SignInByCookie(), await person.SignInByCookie());
        var pat = shared.Anonymous.With((await here.PostJson("/api/tokens", new { name = "x", scopes = new[] { "view" }, expires_at = TimeProvider.System.GetUtcNow().AddDays(1).ToString("yyyy-MM-dd'T'HH:mm:ssK") })).Is(201).Text("token"));
        (await here.PostJson("/api/account/password", new { password = "wrong", new_password = "something else entirely" })).IsProblem(401, "wrong-credentials");
        (await here.PostJson("/api/account/password", new { password = person.Password, new_password = "short" })).NamesField("new_password");

        var changed = (await here.PostJson("/api/account/password", new { password = person.Password, new_password = "something else entirely" })).Is(204);
        (await shared.Anonymous.WithCookie(changed).Get("/api/session")).Is(200);
        foreach (var old in new[] { here, elsewhere, shared.Anonymous.With(tokens.Text("access_token")) })
        {
            (await old.Get("/api/session")).IsProblem(401, "unauthorized");
        }

        (await shared.Anonymous.Refresh("nanny-cli", tokens.Text("refresh_token"))).IsOAuthError("invalid_grant");
        (await person.AskForTokens()).IsOAuthError("invalid_grant");
        (await pat.Get("/api/session")).Is(200); // it was never made of the password

        var again = shared.Anonymous.WithCookie(changed);
        (await again.PostJson("/api/account/password", new { password = "something else entirely", new_password = "and another one", revoke_tokens = true })).Is(204);
        await Waiting.Until(() => pat.Get("/api/session"), answer => answer.Status is 401, "the token to be revoked");
    }
}
