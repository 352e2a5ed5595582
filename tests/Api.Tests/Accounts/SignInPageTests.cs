using System.Net;
using NannyOrleans.Api.Tests.Support;
using OtpNet;

namespace NannyOrleans.Api.Tests.Accounts;

/// <summary>The dashboard's door.</summary>
public sealed class SignInPageTests(SharedServer shared)
{
    private const string Cookie = "Set-Cookie";

    [Fact]
    public async Task Whoever_has_an_account_comes_in_and_goes_out_again()
    {
        var person = await NewPerson.Make(shared);
        (await shared.Anonymous.Saying(("Accept", "text/html")).Get("/agents")).Is(302); // to the page
        var page = (await shared.Anonymous.Get("/signin")).Is(200);
        Assert.Equal("text/html", page.ContentType);
        Assert.Contains("type=\"password\"", page.Body, StringComparison.Ordinal);

        var signedIn = (await Post(person.Name, person.Password)).Is(302);
        Assert.Equal("/", signedIn.Header("Location"));
        Assert.Contains("httponly", signedIn.Header(Cookie), StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", signedIn.Header(Cookie), StringComparison.OrdinalIgnoreCase);
        var browser = shared.Anonymous.WithCookie(signedIn);
        Assert.Equal(person.Name, (await browser.Get("/api/session")).Is(200).Text("user_name"));

        var out_ = (await browser.PostForm("/signout")).Is(302);
        Assert.Equal("/signin", out_.Header("Location"));
        Assert.Contains("nanny_session=;", out_.Header(Cookie), StringComparison.Ordinal);
        (await browser.Get("/api/session")).IsProblem(401, "unauthorized"); // a copy of the cookie
        (await browser.PostForm("/signout")).Is(302); // who is out stays out
    }

    [Theory]
    [InlineData("right", "wrong")]
    [InlineData("right", "")]
    [InlineData("wrong", "right")]
    [InlineData("", "")]
    [InlineData("<b>", "</b>")]
    public async Task Whoever_is_not_the_person_stays_out_and_learns_nothing_of_him(string name, string password)
    {
        var person = await NewPerson.Make(shared);
        var refused = (await Post(name is "right" ? person.Name : name, password is "right" ? person.Password : password, "/audit")).Is(403);
        Assert.Contains("User name and password do not match, or the account is locked.", refused.Body, StringComparison.Ordinal);
        Assert.Null(refused.Header(Cookie));
        Assert.DoesNotContain("<b>", refused.Body, StringComparison.Ordinal);
        Assert.DoesNotContain(person.Name, refused.Body, StringComparison.Ordinal);
        Assert.Contains("%2Faudit", refused.Body, StringComparison.Ordinal); // the next try leads there as well
    }

    [Fact]
    public async Task A_second_factor_is_asked_for_and_a_recovery_code_does_too()
    {
        var person = await NewPerson.Make(shared);
        var browser = await person.SignInByCookie();
        var secret = (await browser.PostJson("/api/account/second-factor", new { password = person.Password })).Is(200).Text("secret");
        var totp = new Totp(Base32Encoding.ToBytes(secret));
        var codes = (await browser.PostJson("/api/account/second-factor/confirm", new { code = totp.ComputeTotp(TimeProvider.System.GetUtcNow().UtcDateTime) })).Is(200);

        var needed = (await Post(person.Name, person.Password)).Is(403);
        Assert.Contains("second factor", needed.Body, StringComparison.Ordinal);
        Assert.Null(needed.Header(Cookie));
        Assert.Null((await Post(person.Name, person.Password, code: "000000")).Is(403).Header(Cookie));
        var recovery = codes.Json.GetProperty("recovery_codes")[0].GetString()!;
        var signedIn = (await Post(person.Name, person.Password, code: recovery)).Is(302);
        (await shared.Anonymous.WithCookie(signedIn).Get("/api/session")).Is(200);
        (await Post(person.Name, person.Password, code: recovery)).Is(403); // once

        // The code that confirmed it was used; the next step's is as good, for clocks differ.
        (await Post(person.Name, person.Password, code: totp.ComputeTotp(TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(30)))).Is(302);
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("cross-site", null)]
    [InlineData("same-site", null)]
    [InlineData("none", null)]
    [InlineData(null, "http://evil.example")]
    [InlineData(null, "null")]
    [InlineData("cross-site", "self")]
    public async Task Another_sites_page_signs_nobody_in_or_out(string? site, string? origin)
    {
        var person = await NewPerson.Make(shared);
        var foreign = shared.Anonymous.Saying([.. new[] { ("Sec-Fetch-Site", site), ("Origin", origin is "self" ? shared.Server.Url.GetLeftPart(UriPartial.Authority) : origin) }
            .Where(header => header.Item2 is not null).Select(header => (header.Item1, header.Item2!))]);
        var answer = await foreign.PostForm("/signin", ("username", person.Name), ("password", person.Password));
        answer.IsProblem(403, "cross-site");
        Assert.Null(answer.Header(Cookie));

        var cookie = (await Post(person.Name, person.Password)).Is(302);
        var signOut = await foreign.Saying(("Cookie", cookie.Header(Cookie)!.Split(';')[0])).PostForm("/signout");
        signOut.IsProblem(403, "cross-site");
        (await shared.Anonymous.WithCookie(cookie).Get("/api/session")).Is(200);
    }

    [Theory]
    [InlineData("/audit?actor=person+a&page=2", "/audit?actor=person+a&page=2")]
    [InlineData("/", "/")]
    [InlineData("//evil.example", "/")]
    [InlineData("///evil.example", "/")]
    [InlineData(@"/\evil.example", "/")]
    [InlineData(@"\\evil.example", "/")]
    [InlineData(@"/x\..\..\evil", "/")]
    [InlineData("https://evil.example/", "/")]
    [InlineData("https:evil.example", "/")]
    [InlineData("javascript:alert(1)", "/")]
    [InlineData("evil.example", "/")]
    [InlineData("/\t/evil.example", "/")]
    [InlineData("/\n/evil.example", "/")]
    [InlineData("/x\r\nSet-Cookie: a=b", "/")]
    [InlineData("", "/")]
    public async Task It_leads_back_to_where_somebody_wanted_to_go_on_this_server_alone(string wanted, string leadsTo)
    {
        var person = await NewPerson.Make(shared);
        Assert.Equal(leadsTo, (await Post(person.Name, person.Password, wanted)).Is(302).Header("Location"));

        // And so does the form, which whoever looks at it trusts.
        var page = (await shared.Anonymous.Get($"/signin?return={Uri.EscapeDataString(wanted)}")).Is(200).Body;
        Assert.Contains(WebUtility.HtmlEncode($"action=\"/signin?return={Uri.EscapeDataString(leadsTo)}\"").Replace("&quot;", "\"", StringComparison.Ordinal), page, StringComparison.Ordinal);
        Assert.DoesNotContain("evil", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_page_that_was_wanted_is_kept_on_the_way_to_the_door()
    {
        var there = (await shared.Anonymous.Saying(("Accept", "text/html")).Get("/audit?actor=person%20a")).Is(302).Header("Location")!;
        Assert.EndsWith($"/signin?return={Uri.EscapeDataString("/audit?actor=person%20a")}", there, StringComparison.Ordinal);
    }

    [Fact] // As at every door: FloodTests has the rest.
    public async Task After_too_many_wrong_passwords_the_right_one_is_refused_too()
    {
        var person = await NewPerson.Make(shared);
        for (var attempt = 0; attempt < 5; attempt++)
        {
            (await (attempt % 2 is 0 ? Post(person.Name, $"wrong {attempt}") : person.PostSession(person.Name, $"wrong {attempt}"))).Is(attempt % 2 is 0 ? 403 : 401);
        }

        var refused = await Post(person.Name, person.Password);
        refused.IsProblem(429, "too-many-requests");
        Assert.InRange(int.Parse(refused.Header("Retry-After")!, System.Globalization.CultureInfo.InvariantCulture), 1, 60);
        var inWords = (await shared.Anonymous.FromItsPage().Saying(("Accept", "text/html")).PostForm("/signin", ("username", person.Name), ("password", person.Password))).Is(429);
        Assert.Equal("text/html", inWords.ContentType);
        Assert.Contains("too many wrong passwords", inWords.Body, StringComparison.Ordinal);
        (await person.PostSession(person.Name, person.Password)).IsProblem(429, "too-many-requests");
    }

    private Task<Answer> Post(string name, string password, string wanted = "", string code = "") => shared.Anonymous.FromItsPage().PostForm(
        $"/signin?return={Uri.EscapeDataString(wanted)}", ("username", name), ("password", password), ("totp", code));
}
