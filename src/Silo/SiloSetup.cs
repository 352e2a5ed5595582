using System.Data.Common;
using System.Net;
using System.Net.Sockets;
using Microsoft.EntityFrameworkCore;
using NannyOrleans.Grains.Campaigns;
using NannyOrleans.Grains.Changes;
using NannyOrleans.Grains.History;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Silo.Audit;
using NannyOrleans.Silo.Health;
using NannyOrleans.Silo.History;
using NannyOrleans.Silo.Reboots;
using NannyOrleans.Silo.Signing;
using NannyOrleans.Silo.Storage;
using NannyOrleans.Silo.Telemetry;
using Npgsql;
using Orleans.Configuration;
using Orleans.Providers;
using Orleans.Serialization;
using Orleans.Storage;

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
        if (!options.OnPostgres)
        {
            // Before any of its files is opened, and held until the host is disposed of, which owns what a factory gives it.
            var only = new DataDirectoryLock(options);
            builder.Services.AddHostedService(_ => only);
        }

        builder.Services.AddScriptKeys(options);
        builder.Services.AddAuditKey(options);
        var certificate = builder.Services.AddSiloCertificate(options);
        builder.Services.AddSingleton<SiloDepartures>();
        AddHistory(builder.Services, options);
        builder.Services.TryAddClock();
        builder.Services.AddSingleton<IGrainInterfaceTypeProvider, Wire.InterfaceNames>(); // before Orleans' own
        var gateway = withGateway ? options.GatewayPort : 0;
        var database = options.OnPostgres ? builder.Services.AddPostgres(options) : null;
        DbDataSource storage = database is null ? GrainsOnSqlite(builder.Services, options) : database;
        builder.UseOrleans(silo =>
        {
            if (database is null)
            {
                silo.UseLocalhostClustering(PortOf(options.Port), gateway, serviceId: ClusterName, clusterId: ClusterName);
                silo.UseInMemoryReminderService(); // none is stored: what is unfinished is asked to go on at start
            }
            else
            {
                silo.Configure<ClusterOptions>(NameCluster);
                silo.ConfigureEndpoints(AddressOf(options), PortOf(options.Port), gateway);
                silo.UseAdoNetClustering(clustering => (clustering.Invariant, clustering.DataSource) = (Npgsql, database));
                silo.UseAdoNetReminderService(reminders => (reminders.Invariant, reminders.DataSource) = (Npgsql, database));
                silo.Configure<ClusterMembershipOptions>(Failover.Configure);
                silo.AddIncomingGrainCallFilter<PlainFailures>();
                silo.Configure<ConnectionOptions>(Failover.Configure);
            }

            silo.UseTls(tls => SiloCertificate.Configure(tls, certificate));
            silo.UseSystemTextJsonGrainStorageSerializer();
            silo.Services.Configure<SystemTextJsonGrainStorageSerializerOptions>(json => Wire.Configure(json.JsonSerializerOptions));
            if (database is not null)
            {
                silo.Services.AddSingleton<IGrainStorage>(services => new PostgresGrainStorage(services.GetRequiredKeyedService<IGrainStorage>(Npgsql)));
            }

            silo.AddAdoNetGrainStorage(database is null ? ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME : Npgsql, grains =>
            {
                // The provider's name for SQLite; it loads Microsoft.Data.Sqlite by it.
                (grains.Invariant, grains.DataSource) = (database is null ? "System.Data.SQLite" : Npgsql, storage);
                grains.DeleteStateOnClear = true;
            });
            silo.Services.AddSerializer(Wire.AddWire);
            silo.AddTelemetry(builder.Configuration);
            silo.Services.Configure<NodeOptions>(nodes => nodes.GuestJobsAtOnce = options.GuestJobsAtOnce);
        });
        if (database is not null && !withGateway)
        {
            builder.Services.AddHostedService<DepartureWatch>(); // for the Api that this process is as well
        }

        builder.Services.AddAnnouncer();
        builder.Services.AddHostedService<UnfinishedWork>(); // after the silo, which it asks
        builder.Services.AddHostedService<RebootWatch>();
        builder.Services.AddHostedService<FleetSurvey>();
        builder.Services.AddHostedService(provider => ActivatorUtilities.CreateInstance<OperationPruning>(provider, options));
    }

    /// <summary>Connects this process to silos in others.</summary>
    public static void AddSiloClient(this IHostApplicationBuilder builder, SiloOptions options)
    {
        builder.Services.AddScriptKeys(options);
        builder.Services.AddAuditKey(options);
        var certificate = builder.Services.AddSiloCertificate(options);
        builder.Services.AddSingleton<SiloDepartures>();
        builder.Services.TryAddClock();
        builder.Services.AddSingleton<IGrainInterfaceTypeProvider, Wire.InterfaceNames>();
        var database = options.OnPostgres ? builder.Services.AddPostgres(options) : null;
        builder.UseOrleansClient(client =>
        {
            if (database is null)
            {
                client.UseLocalhostClustering(options.GatewayPort, serviceId: ClusterName, clusterId: ClusterName);
            }
            else
            {
                client.Configure<ClusterOptions>(NameCluster);
                client.UseAdoNetClustering(clustering => (clustering.Invariant, clustering.DataSource) = (Npgsql, database));
                client.Configure<GatewayOptions>(Failover.Configure);
                client.Configure<ConnectionOptions>(Failover.Configure);
                client.AddOutgoingGrainCallFilter<LostCalls>();
            }

            client.UseTls(tls => SiloCertificate.Configure(tls, certificate));
            client.UseConnectionRetryFilter<PatientConnection>();
            client.Services.AddSerializer(Wire.AddWire);
            client.AddTelemetry(builder.Configuration);
        });
        if (database is not null)
        {
            builder.Services.AddHostedService<DepartureWatch>();
        }
    }

    /// <summary>The database of the installation, with its tables up to date and its keys compared before anything else that starts.</summary>
    public static NpgsqlDataSource AddPostgres(this IServiceCollection services, SiloOptions options)
    {
        if (services.FirstOrDefault(service => service.ServiceType == typeof(NpgsqlDataSource))?.ImplementationInstance is NpgsqlDataSource there)
        {
            return there;
        }

        var database = PostgresDatabase.Open(options);
        services.AddSingleton(database);
        services.AddPooledDbContextFactory<PostgresHistoryDb>(history => history.UseNpgsql(database));
        services.AddSingleton<IDbContextFactory<HistoryDb>, PostgresHistoryFactory>();
        services.AddHostedService<HistoryMigration>();
        services.AddHostedService<InstallationKeys>();
        return database;
    }

    /// <summary>
    /// Operations, metrics and the audit log, in a database that a silo writes and an Api process only reads through grains.
    /// </summary>
    private static void AddHistory(IServiceCollection services, SiloOptions options)
    {
        if (options.OnPostgres)
        {
            services.AddPostgres(options);
        }
        else
        {
            var path = options.PathOf("history.db");
            SqliteFiles.Open(path, () => SqliteFiles.Prepare(path));
            services.AddPooledDbContextFactory<HistoryDb>(history => history.UseSqlite($"Data Source={path}").AddInterceptors(new FullSync()));
            services.AddHostedService<HistoryMigration>();
        }

        services.AddDatabaseCheck("The database of the history", options.OnPostgres, (provider, stop) => provider.GetRequiredService<IDbContextFactory<HistoryDb>>().CreateDbContextAsync(stop));
        services.AddSingleton<AuditAppending>();
        services.AddSingleton<HistoryWrites>();
        services.AddSingleton<OperationHistory>();
        services.AddSingleton<IOperationHistory>(provider => provider.GetRequiredService<OperationHistory>());
        services.AddSingleton<ICampaignHistory, CampaignHistory>();
        services.AddSingleton<IAuditLog, AuditLog>();
        services.AddHostedService<AuditWatch>();
        services.AddSingleton<MetricsHistory>();
        services.AddSingleton<IMetricsHistory>(provider => provider.GetRequiredService<MetricsHistory>());
        services.AddHostedService(provider => provider.GetRequiredService<MetricsHistory>());
    }

    private static GatedSqlite GrainsOnSqlite(IServiceCollection services, SiloOptions options)
    {
        // Now and not while the silo starts: a file that is no database, or read-only, is then the first thing said and not the last.
        var path = options.PathOf("grains.db");
        SqliteFiles.Open(path, () => SqliteGrainStorageSchema.Apply(path));
        services.AddFileCheck("The database of the grains' state", path);
        return new(path);
    }

    private const string Npgsql = "Npgsql"; // the provider's name for PostgreSQL

    private static void NameCluster(ClusterOptions cluster) => (cluster.ServiceId, cluster.ClusterId) = (ClusterName, ClusterName);

    private static IPAddress AddressOf(SiloOptions options)
    {
        try
        {
            var known = Dns.GetHostAddresses(options.Address);
            return known.FirstOrDefault(address => address.AddressFamily is AddressFamily.InterNetwork) ?? known[0];
        }
        catch (Exception unknown) when (unknown is SocketException or ArgumentException or IndexOutOfRangeException)
        {
            throw new CannotStartException($"Silo:Address '{options.Address}' stands for no address: {unknown.Message}", unknown);
        }
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
