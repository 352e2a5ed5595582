using NannyOrleans.Api.Tests.Support;

namespace NannyOrleans.Api.Tests.Settings;

public sealed class ServerTests(SharedServer shared)
{
    [Fact]
    public async Task It_says_what_it_is_and_no_secret()
    {
        var answer = (await (await shared.SignIn(("viewer", null))).Get("/api/server")).Is(200);
        var said = answer.Json;
        Assert.Matches(@"^\d+\.\d+\.\d+$", said.GetProperty("version").GetString());
        Assert.StartsWith(said.GetProperty("version").GetString()!, said.GetProperty("build").GetString(), StringComparison.Ordinal);
        Assert.Equal(shared.Server.Url.Port, new Uri(Assert.Single(said.GetProperty("addresses").EnumerateArray()).GetString()!).Port);
        Assert.Equal(("sqlite", true), (said.GetProperty("database").GetString(), said.GetProperty("embedded_silo").GetBoolean()));
        Assert.Equal((4, 400), (said.GetProperty("guest_jobs_at_once").GetInt32(), said.GetProperty("operation_days").GetInt32()));
        Assert.Equal(shared.Provider.Host, said.GetProperty("oidc_provider").GetString());
        Assert.InRange(said.GetProperty("started_at").GetDateTimeOffset(), DateTimeOffset.UnixEpoch, TimeProvider.System.GetUtcNow());
        Assert.DoesNotContain(OtherProvider.Settings(shared.Provider).Where(one => one.Item1.EndsWith("Secret", StringComparison.Ordinal)), one => answer.Body.Contains(one.Item2, StringComparison.Ordinal));
        Assert.DoesNotContain("nanny-test-", answer.Body, StringComparison.OrdinalIgnoreCase); // nor where its data lies
    }
}
