using System.Net;
using System.Net.Sockets;
using Microsoft.EntityFrameworkCore;
using NannyOrleans.Grains.Campaigns;
using NannyOrleans.Grains.History;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Silo.Batches;
using NannyOrleans.Silo.Campaigns;
using NannyOrleans.Silo.Health;
using NannyOrleans.Silo.History;
using NannyOrleans.Silo.Reboots;
using NannyOrleans.Silo.Signing;
using NannyOrleans.Silo.Storage;
using NannyOrleans.Silo.Telemetry;
using Orleans.Serialization;

namespace NannyOrleans.Silo;

/// <summary>How a silo is put together, the same in the Api process and in one of its own.</summary>
public static class SiloSetup
{
    private const string ClusterName = "nannyorleans";

    /// <summary>Hosts a silo in this process.</summary>
    /// <param name="builder">The process.</param>
    /// <param name="options">Where it keeps its data and where it listens.</param>
    /// <param name="withGateway">Whether clients in other processes may connect.</param>
    public static void AddSilo(this IHostApplicationBuilder builder, SiloOptions options, bool withGateway)
    {
        options.MakeDataDirectory();

        // Before any of its files is opened, and held until the host is disposed of, which owns what a factory gives it.
        var only = new DataDirectoryLock(options);
        builder.Services.AddHostedService(_ => only);
        builder.Services.AddScriptKeys(options);
        AddHistory(builder.Services, options);

        // Now and not while the silo starts: a file that is no database, or read-only, is then the first thing said and not the last.
        var path = options.PathOf("grains.db");
        SqliteFiles.Open(path, () => SqliteGrainStorageSchema.Apply(path));
        var database = new GatedSqlite(path);
        builder.Services.AddFileCheck("The database of the grains' state", path);
        builder.Services.TryAddClock();
        builder.Services.AddSingleton<IGrainInterfaceTypeProvider, Wire.InterfaceNames>(); // before Orleans' own
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(PortOf(options.Port), withGateway ? options.GatewayPort : 0, serviceId: ClusterName, clusterId: ClusterName);
            silo.UseSystemTextJsonGrainStorageSerializer();
            silo.Services.Configure<SystemTextJsonGrainStorageSerializerOptions>(json => Wire.Configure(json.JsonSerializerOptions));
            silo.AddAdoNetGrainStorageAsDefault(storage =>
            {
                // The provider's name for SQLite; it loads Microsoft.Data.Sqlite by it.
                storage.Invariant = "System.Data.SQLite";
                storage.DeleteStateOnClear = true;
                storage.DataSource = database;
            });
            silo.Services.AddSerializer(Wire.AddWire);
            silo.AddTelemetry(builder.Configuration);
            silo.Services.Configure<NodeOptions>(nodes => nodes.GuestJobsAtOnce = options.GuestJobsAtOnce);
        });
        builder.Services.AddHostedService<BatchResume>(); // after the silo, which it asks
        builder.Services.AddHostedService<CampaignResume>();
        builder.Services.AddHostedService<RebootWatch>();
        builder.Services.AddHostedService<FleetSurvey>();
        builder.Services.AddHostedService(provider => ActivatorUtilities.CreateInstance<OperationPruning>(provider, options));
    }

    /// <summary>Connects this process to a silo in another one.</summary>
    public static void AddSiloClient(this IHostApplicationBuilder builder, SiloOptions options)
    {
        builder.Services.AddScriptKeys(options);
        builder.Services.TryAddClock();
        builder.Services.AddSingleton<IGrainInterfaceTypeProvider, Wire.InterfaceNames>();
        builder.UseOrleansClient(client =>
        {
            client.UseLocalhostClustering(options.GatewayPort, serviceId: ClusterName, clusterId: ClusterName);
            client.UseConnectionRetryFilter<PatientConnection>();
            client.Services.AddSerializer(Wire.AddWire);
            client.AddTelemetry(builder.Configuration);
        });
    }

    /// <summary>
    /// Operations, metrics and the audit log, in a database that a silo writes and an Api process only reads through grains.
    /// </summary>
    private static void AddHistory(IServiceCollection services, SiloOptions options)
    {
        var path = options.PathOf("history.db");
        SqliteFiles.Open(path, () => SqliteFiles.Prepare(path));
        services.AddPooledDbContextFactory<HistoryDb>(history => history.UseSqlite($"Data Source={path}").AddInterceptors(new FullSync()));
        services.AddDatabaseCheck("The database of the history", (provider, stop) => provider.GetRequiredService<IDbContextFactory<HistoryDb>>().CreateDbContextAsync(stop));
        services.AddSingleton<HistoryWrites>();
        services.AddSingleton<OperationHistory>();
        services.AddSingleton<IOperationHistory>(provider => provider.GetRequiredService<OperationHistory>());
        services.AddSingleton<ICampaignHistory, CampaignHistory>();
        services.AddSingleton<IAuditLog, AuditLog>();
        services.AddSingleton<MetricsHistory>();
        services.AddSingleton<IMetricsHistory>(provider => provider.GetRequiredService<MetricsHistory>());
        services.AddHostedService<HistoryMigration>();
        services.AddHostedService(provider => provider.GetRequiredService<MetricsHistory>());
    }

    private static void TryAddClock(this IServiceCollection services)
    {
        if (services.All(service => service.ServiceType != typeof(TimeProvider)))
        {
            services.AddSingleton(TimeProvider.System);
        }
    }

    private static int PortOf(int configured)
    {
        if (configured is not 0)
        {
            return configured;
        }

        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    /// <summary>Waits for the silo: who starts first is not for a person to arrange.</summary>
    private sealed class PatientConnection(ILogger<PatientConnection> logger) : IClientConnectionRetryFilter
    {
        public async Task<bool> ShouldRetryConnectionAttempt(Exception exception, CancellationToken cancellationToken)
        {
            logger.LogWaitingForSilo(exception.Message);
            await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
            return true;
        }
    }
}

internal static partial class SiloLog
{
    [LoggerMessage(3001, LogLevel.Warning, "The silo does not answer yet, trying again: {Reason}")]
    public static partial void LogWaitingForSilo(this ILogger logger, string reason);
}
