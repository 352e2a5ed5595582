using System.Globalization;
using System.Text.RegularExpressions;
using NannyOrleans.Api.Tests.Support;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Api.Tests.Telemetry;

/// <summary>
/// A server that is told to tell everything: metrics by token, traces to a collector, JSON logs, Orleans' dashboard. On it are one host and what was done
/// with its one guest: a dry run, an apply that failed, and a message that was refused.
/// </summary>
public sealed class ObservedServer : IAsyncLifetime
{
    public const string ScrapeToken = "a-token-for-scrapers";

    private readonly DataDirectory data = new();
    private HostPeer? host;

    internal Collector Collector { get; } = new();

    internal ServerProcess Server { get; private set; } = null!;

    internal Caller Admin { get; private set; } = null!;

    /// <summary>With the token of an agent.</summary>
    internal Caller Agent => Admin.With(Host.AccessToken);

    internal GuestSeen Guest { get; } = Some.Container("a-guest-with-a-name");

    internal HostPeer Host => host!;

    /// <summary>The operation that succeeded.</summary>
    internal string DryRun { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Server = await ServerProcess.Start(
            data.Path, SharedServer.Password, more:
            [
                ("NANNY_Telemetry__MetricsToken", ScrapeToken), ("NANNY_Telemetry__LogFormat", "json"), ("NANNY_Telemetry__Dashboard", "true"),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", Collector.Url), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"), ("OTEL_BSP_SCHEDULE_DELAY", "200"),
            ]);
        Admin = await new Caller(Server.Url).SignIn("admin", SharedServer.Password);
        host = await HostPeer.Register(Admin, Some.Cluster(), "node-with-a-name");
        await Host.ConnectWith(Server.Url, Guest);
        DryRun = await Run("dry-run", job => Some.Success(job));
        await Run("apply", job => new(job.Id, JobOutcome.Failed, "container not running"));
        await Assert.ThrowsAnyAsync<Exception>(() => Host.Call(Protocol.AgentHub.ReportJob, argument: null));
    }

    public async ValueTask DisposeAsync()
    {
        await (host?.DisposeAsync() ?? ValueTask.CompletedTask);
        await Server.DisposeAsync();
        await Collector.DisposeAsync();
        data.Dispose();
    }

    /// <summary>The series of now, as they are scraped.</summary>
    internal async Task<Series> Scrape() => new((await Admin.With(ScrapeToken).Get("/metrics")).Is(200).Body);

    private async Task<string> Run(string mode, Func<PatchJob, JobReport> end)
    {
        var id = (await Admin.PostLikeCurl("/api/patches", Some.Order(Some.GuestId(Host, Guest), mode))).Is(202).Text("operation_id");
        var job = await Host.NextJob();
        await Host.Report(new(job.Id, JobOutcome.Running, null) { StartedAt = Some.Noon });
        await Host.Report(end(job));
        return id;
    }

    /// <summary>What was scraped, in Prometheus's text format.</summary>
    internal sealed record Series(string Text)
    {
        /// <summary>The sum of the series of this name that have all these labels; null when there is none.</summary>
        public double? Sum(string name, params string[] labels)
        {
            double[] values =
            [
                .. from line in Text.Split('\n')
                   where line.StartsWith($"{name}{{", StringComparison.Ordinal) && labels.All(label => line.Contains(label, StringComparison.Ordinal))
                   select double.Parse(Regex.Match(line, @"\} (\S+)").Groups[1].Value, CultureInfo.InvariantCulture),
            ];
            return values is [] ? null : values.Sum();
        }
    }
}
