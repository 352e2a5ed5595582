using System.Text.Json;
using System.Text.RegularExpressions;

namespace NannyOrleans.Api.Tests.Telemetry;

/// <summary>What an operator sees of a server from outside.</summary>
public sealed class ObservedTests(ObservedServer observed) : IClassFixture<ObservedServer>
{
    private static readonly string[] DashboardPaths = ["/orleans", "/orleans/", "/orleans/DashboardCounters", "/orleans/ClusterStats", "/orleans/GrainState", "/orleans/index.min.js"];

    [Theory]
    [InlineData("nanny_agents_connected", 1)]
    [InlineData("nanny_jobs_sent_total", 1, "kind=\"patch\"", "mode=\"dry-run\"")]
    [InlineData("nanny_jobs_sent_total", 1, "kind=\"patch\"", "mode=\"apply\"")]
    [InlineData("nanny_jobs_ended_total", 1, "mode=\"dry-run\"", "status=\"succeeded\"")]
    [InlineData("nanny_jobs_ended_total", 1, "mode=\"apply\"", "status=\"failed\"")]
    [InlineData("nanny_jobs_ended_total", 2)] // and no others
    [InlineData("nanny_operation_duration_seconds_count", 2, "kind=\"patch\"")]
    [InlineData("nanny_hub_messages_total", 4, "method=\"ReportJob\"", "answer=\"taken\"")]
    [InlineData("nanny_hub_messages_total", 1, "method=\"ReportJob\"", "answer=\"refused\"")]
    [InlineData("nanny_hub_messages_total", 1, "method=\"ReportInventory\"", "answer=\"taken\"")]
    public async Task Metrics_count_what_was_done(string name, double value, params string[] labels) =>
        Assert.Equal(value, (await observed.Scrape()).Sum(name, labels));

    [Theory] // They are looked at now and then.
    [InlineData("nanny_nodes", 1, "status=\"online\"")]
    [InlineData("nanny_nodes", 0, "status=\"offline\"")]
    [InlineData("nanny_clusters", 1, "quorum=\"quorate\"")]
    [InlineData("nanny_outbox_jobs", 0)]
    [InlineData("nanny_campaigns", 0, "state=\"halted\"")]
    public async Task Metrics_have_the_fleet_as_it_is(string name, double value, params string[] labels) =>
        await Waiting.Until(observed.Scrape, series => series.Sum(name, labels) == value, $"{name} to be {value}");

    [Fact]
    public async Task Metrics_have_those_of_Orleans_the_web_server_and_the_runtime()
    {
        var series = await observed.Scrape();
        Assert.True(series.Sum("orleans_grains", "grain_type=\"node\"") > 0);
        Assert.True(series.Sum("http_server_request_duration_seconds_count", "http_route=\"/api/patches") > 0);
        Assert.True(series.Sum("dotnet_process_cpu_time_seconds_total") > 0);
    }

    [Fact] // Each would be a series of its own, kept as long as the server lives.
    public async Task No_series_has_an_id_or_a_name_in_it()
    {
        var text = (await observed.Scrape()).Text;
        Assert.Contains("nanny_jobs_ended_total", text, StringComparison.Ordinal);
        Assert.DoesNotMatch(new Regex("[0-9A-HJKMNP-TV-Z]{26}"), text);
        Assert.DoesNotMatch(new Regex("[cm][0-9a-f]{16}"), text);
        Assert.DoesNotContain("with-a-name", text, StringComparison.Ordinal);
        Assert.DoesNotContain(observed.Host.ClusterName, text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Metrics_are_for_administrators_and_scrapers_alone()
    {
        (await observed.Admin.With(null).Get("/metrics")).IsProblem(401, "unauthorized");
        (await observed.Admin.With(ObservedServer.ScrapeToken + "x").Get("/metrics")).IsProblem(401, "unauthorized");
        (await observed.Admin.With(null).Get($"/metrics?access_token={ObservedServer.ScrapeToken}")).IsProblem(401, "unauthorized");
        (await observed.Agent.Get("/metrics")).IsProblem(403, "forbidden");
        (await observed.Admin.Get("/metrics")).Is(200);
        (await observed.Admin.With(ObservedServer.ScrapeToken).Get("/api/agents")).IsProblem(401, "unauthorized"); // it opens nothing else
        (await observed.Admin.With(ObservedServer.ScrapeToken).Get("/orleans/")).IsProblem(401, "unauthorized");
    }

    [Fact]
    public async Task The_dashboard_of_Orleans_is_for_administrators_alone()
    {
        foreach (var path in DashboardPaths)
        {
            (await observed.Admin.With(null).Get(path)).IsProblem(401, "unauthorized");
            (await observed.Agent.Get(path)).IsProblem(403, "forbidden");
            Assert.True((await observed.Admin.Get(path)).Status is 200 or 301, path);
        }

        Assert.Contains("Orleans Dashboard", (await observed.Admin.Get("/orleans/")).Body, StringComparison.Ordinal);
        (await observed.Admin.Get("/orleans/Trace")).IsProblem(403, "forbidden"); // logs are where logs go
    }

    [Fact]
    public void Each_line_about_an_operation_has_its_id_in_a_field()
    {
        var about = observed.Server.Program.Lines.Where(line => line.Contains(observed.DryRun, StringComparison.Ordinal)).Select(line => JsonElement.Parse(line)).ToArray();
        Assert.Superset(
            new HashSet<string?> { "NannyOrleans.Api.Telemetry.OperationLog", "NannyOrleans.Grains.Nodes.NodeGrain", "NannyOrleans.Api.Agents.AgentHub" },
            about.Select(line => line.GetProperty("Category").GetString()).ToHashSet());
        Assert.All(
            about.Where(line => line.GetProperty("Category").GetString() is not "NannyOrleans.Api.Agents.AgentHub"),
            line => Assert.Contains(line.GetProperty("Scopes").EnumerateArray(), scope => scope.TryGetProperty("operation", out var id) && id.GetString() == observed.DryRun));
    }

    [Fact]
    public async Task A_request_can_be_followed_to_the_report_of_its_job_in_one_trace()
    {
        var report = (await Spans("report job", one => one.Tag("nanny.job.outcome") is "succeeded"))[0];
        var trace = await Waiting.Until(
            () => Task.FromResult(observed.Collector.Spans.Where(span => span.Trace == report.Trace).ToArray()),
            spans => spans.Any(span => span.Name.StartsWith("POST /api/patches", StringComparison.Ordinal)),
            "the span of the request");
        var request = trace.Single(span => span.Name.StartsWith("POST /api/patches", StringComparison.Ordinal));
        Assert.Equal(observed.DryRun, request.Tag("nanny.operation.id"));
        Assert.Equal(string.Empty, request.Parent);
        Assert.Contains(trace, span => span.Name.Contains("INodeGrain", StringComparison.Ordinal) && span.Name.EndsWith("Enqueue", StringComparison.Ordinal));
        Assert.Contains(trace, span => span.Name.Contains("IAgentSession", StringComparison.Ordinal) && span.Name.EndsWith("Run", StringComparison.Ordinal));
        foreach (var name in (string[])["send job", "run job", "report job"])
        {
            Assert.All(trace.Where(span => span.Name == name), span => Assert.Equal(observed.DryRun, span.Tag("nanny.operation.id")));
            Assert.Contains(trace, span => span.Name == name);
        }
    }

    private Task<Collector.Span[]> Spans(string name, Func<Collector.Span, bool> wanted) => Waiting.Until(
        () => Task.FromResult(observed.Collector.Spans.Where(span => span.Name == name && wanted(span)).ToArray()), spans => spans.Length > 0, $"a span '{name}'");
}
