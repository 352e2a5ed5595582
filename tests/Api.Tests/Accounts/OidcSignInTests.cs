using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using NannyOrleans.Api.Tests.Support;

namespace NannyOrleans.Api.Tests.Accounts;

/// <summary>Signing in at another provider, which is a real one on loopback.</summary>
public sealed class OidcSignInTests(SharedServer shared) : IAsyncLifetime
{
    private OtherProvider provider = null!;

    public async ValueTask InitializeAsync() => provider = await OtherProvider.Start(shared.Provider);

    public ValueTask DisposeAsync() => provider.DisposeAsync();

    [Fact]
    public async Task An_account_belongs_to_a_subject_not_to_a_name_and_has_the_roles_of_the_mapping_alone()
    {
        var (one, other, name) = (Some(), Some(), $"alice-{Some()}");
        var first = await SignIn(one, name, "ops", "unknown");
        Assert.Equal((name, "operator"), (Name(first), Assert.Single(Roles(first))));
        var again = await SignIn(one, $"renamed-{name}", "night");
        Assert.Equal((name, "viewer"), (Name(again), Assert.Single(Roles(again)))); // what is taken away there is gone here

        var namesake = await SignIn(other, name);
        Assert.NotEqual(name, Name(namesake));
        Assert.StartsWith(name, Name(namesake), StringComparison.Ordinal);
        Assert.Empty(Roles(namesake));
        var impostor = await SignIn(Some(), "admin", "administrator"); // no value of the mapping
        Assert.NotEqual("admin", Name(impostor));
        Assert.Empty(Roles(impostor));
        Assert.Matches("^oidc-[0-9a-z]{8}$", Name(await SignIn(Some(), "<b>no name</b>")));
    }

    [Fact]
    public async Task Who_was_switched_off_here_stays_out()
    {
        var subject = Some();
        var name = Name(await SignIn(subject, $"bob-{Some()}"));
        (await shared.Admin.Patch($"/api/people/{name}", """{"disabled":true}""")).Is(200);
        provider.Who = (subject, name, []);
        using var browser = Browser();
        using var answer = await browser.GetAsync("/signin/oidc");
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await browser.GetAsync("/api/session")).StatusCode);
    }

    [Theory]
    [InlineData("/signin/callback")]
    [InlineData("/signin/callback?code=stolen&state=made-up")]
    [InlineData("/signin/callback?error=access_denied&state=made-up")]
    public async Task A_way_back_that_nobody_went_leads_nowhere(string path)
    {
        var answer = (await shared.Anonymous.Get(path)).Is(403);
        Assert.Equal("text/html", answer.ContentType);
        Assert.DoesNotContain("made-up", answer.Body, StringComparison.Ordinal);
    }

    private static string Some() => RandomNumberGenerator.GetHexString(8, lowercase: true);

    private HttpClient Browser() => new() { BaseAddress = shared.Server.Url }; // follows, and keeps cookies

    private async Task<JsonElement> SignIn(string subject, string name, params string[] groups)
    {
        provider.Who = (subject, name, groups);
        using var browser = Browser();
        using var answer = await browser.GetAsync("/signin/oidc");
        Assert.True(answer.IsSuccessStatusCode, $"{answer.RequestMessage!.RequestUri} answered {answer.StatusCode}: {await answer.Content.ReadAsStringAsync()}");
        Assert.Equal("/signin/done", answer.RequestMessage.RequestUri!.AbsolutePath);
        return await browser.GetFromJsonAsync<JsonElement>("/api/session");
    }

    private static string Name(JsonElement session) => session.GetProperty("user_name").GetString()!;

    private static IEnumerable<string?> Roles(JsonElement session) => session.GetProperty("roles").EnumerateArray().Select(role => role.GetProperty("role").GetString());
}
