using NannyOrleans.Api.Tests.Support;

namespace NannyOrleans.Api.Tests.Http;

/// <summary>What browsers are told with every answer, whoever wrote it.</summary>
public sealed class SecurityHeadersTests(SharedServer shared)
{
    private static readonly (string Name, string Value)[] Headers =
    [
        ("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"),
        ("Referrer-Policy", "no-referrer"),
        ("Permissions-Policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ];

    // OAuth's own, a page, SignalR, the document itself.
    private static readonly (string Method, string Path)[] Hidden =
    [
        ("GET", "/device"), ("POST", "/device"), ("GET", "/device/done"), ("POST", "/connect/device"), ("POST", "/connect/token"), ("GET", "/hubs/agent"),
        ("POST", "/hubs/agent/negotiate"), ("GET", "/openapi/v1.json"), ("GET", "/metrics"), ("GET", "/"),
    ];

    [Fact]
    public async Task Every_answer_has_them_whether_good_or_bad()
    {
        var document = (await shared.Admin.Get("/openapi/v1.json")).Is(200).Json;
        var endpoints = (
            from path in document.GetProperty("paths").EnumerateObject()
            from method in path.Value.EnumerateObject()
            where method.Name is "get" or "post" or "patch" or "put" or "delete"
            select (Method: method.Name.ToUpperInvariant(), Path: path.Name.Replace("{id}", "01M83HW1FS84TGPXTCYJ45S8G9", StringComparison.Ordinal))).Concat(Hidden).ToArray();
        Assert.True(endpoints.Length > 40, $"Only {endpoints.Length} endpoints.");
        var admin = await shared.Anonymous.SignIn("admin", SharedServer.Password); // one of them ends the sign-in
        foreach (var (method, path) in endpoints.OrderBy(endpoint => endpoint is ("DELETE", "/api/session")))
        {
            foreach (var caller in new[] { admin, shared.Anonymous })
            {
                Has(await caller.Send(method, path), $"{method} {path}");
            }
        }
    }

    [Fact]
    public async Task What_the_framework_answers_has_them_too()
    {
        Has(await shared.Admin.Get("/api/nothing"), "404");
        Has(await shared.Anonymous.Get("/../../etc/passwd"), "401");
        Has(await shared.Admin.Send("DELETE", "/api/agents"), "405");
        Has(await shared.Admin.Send("TRACE", "/api/agents"), "405");
        Has((await shared.Admin.Post("/api/patches", new byte[1_100_000], "application/json")).Is(413), "413");
        Has((await shared.Admin.PostLikeCurl("/api/patches", "{")).Is(400), "400");
        Has((await shared.Anonymous.AskForToken("nobody", "x")).Is(400), "token");
    }

    [Fact] // Over HTTP it means nothing, and for a name that a proxy serves it is the proxy's scheme that counts.
    public async Task Only_over_https_a_browser_is_told_to_stay_there()
    {
        Assert.Null((await shared.Anonymous.Get("/device")).Header("Strict-Transport-Security"));
        using var http = new HttpClient();
        using var ask = new HttpRequestMessage(HttpMethod.Get, new Uri(shared.Server.Url, "/device")) { Headers = { { "X-Forwarded-Proto", "https" } } };
        using var answer = await http.SendAsync(ask);
        Assert.Equal("max-age=31536000", answer.Headers.GetValues("Strict-Transport-Security").Single());
    }

    [Fact]
    public async Task The_page_needs_no_script_and_no_style()
    {
        var page = (await shared.Anonymous.Get("/device")).Is(200).Body;
        foreach (var inline in (string[])["<script", "style=", "<style", "onclick", "onload", "javascript:", "http://", "https://"])
        {
            Assert.DoesNotContain(inline, page, StringComparison.OrdinalIgnoreCase);
        }
    }

    private static void Has(Answer answer, string what)
    {
        foreach (var (name, value) in Headers)
        {
            Assert.True(answer.Header(name) == value, $"{what}, {answer.Status}: {name} is '{answer.Header(name)}'");
        }

        Assert.True(answer.Header("Cache-Control")?.Contains("no-store", StringComparison.Ordinal) is true, $"{what}, {answer.Status}: Cache-Control is '{answer.Header("Cache-Control")}'");
        Assert.True(answer.Header("Server") is null, $"{what} says what it runs on.");
    }
}
