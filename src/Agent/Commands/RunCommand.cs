using System.Text.Json;
using Microsoft.Extensions.Logging;
using NannyOrleans.Agent.Configuration;
using NannyOrleans.Agent.Connection;
using NannyOrleans.Agent.Diagnoses;
using NannyOrleans.Agent.Inventories;
using NannyOrleans.Agent.Jobs;
using NannyOrleans.Agent.Journal;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Machines;
using NannyOrleans.Agent.Metrics;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Agent.Commands;

/// <summary><c>nannyagent run</c>.</summary>
internal static partial class RunCommand
{
    /// <summary>Runs it to its exit code. Being told to end is a success; jobs that run go on.</summary>
    public static async Task<int> Run(Terminal terminal, string configPath, CancellationToken stopping)
    {
        var host = terminal.Host;
        AgentConfig config;
        Credentials? credentials;
        string? whyMachine;
        try
        {
            config = AgentConfig.Load(host.At(Path.GetFullPath(configPath)));
            whyMachine = await terminal.WhyMachine(config, stopping);
            credentials = Credentials.Load(host);
            if (await WrongRegistration(terminal, config, credentials, whyMachine, stopping) is { } problem)
            {
                return terminal.Fail(AgentCommands.Failed, problem);
            }
        }
        catch (ConfigException e)
        {
            return terminal.Fail(AgentCommands.WrongUse, e.Message);
        }
        catch (JsonException e)
        {
            return terminal.Fail(AgentCommands.Failed, $"{Credentials.PathOn(host)} is damaged ({e.Message}). Run: nannyagent register");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return terminal.Fail(AgentCommands.Failed, e.Message);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return AgentCommands.Done;
        }

        foreach (var warning in config.ApiUrls.Select(ServerUrl.Warning).OfType<string>())
        {
            await terminal.Error.WriteLineAsync(warning);
        }

        FileStream only;
        try
        {
            only = new FileStream(Path.Combine(host.State, "run.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return terminal.Fail(AgentCommands.Failed, $"Another nannyagent already runs on {host.State}: {e.Message}");
        }

        await using (only)
        {
            await Serve(terminal, config, credentials!, whyMachine, stopping);
        }

        return AgentCommands.Done;
    }

    private static async Task<string?> WrongRegistration(
        Terminal terminal, AgentConfig config, Credentials? credentials, string? whyMachine, CancellationToken stopping)
    {
        if (credentials is null)
        {
            return $"This host is not registered. Run: nannyagent register --api-url {ServerUrl.Text(config.ApiUrls)}";
        }

        if (!credentials.AreFor(config.ApiUrls))
        {
            return $"This host is registered with {ServerUrl.Text(credentials.Known(), ", ")}, the configuration says {ServerUrl.Text(config.ApiUrls, ", ")}. Change one, or run: nannyagent register";
        }

        if (whyMachine is not null)
        {
            return WrongMachine(MachineIdentity.Read(terminal.Host), credentials, whyMachine);
        }

        HostIdentity identity;
        try
        {
            identity = await terminal.Identity(isMachine: false, stopping);
        }
        catch (IOException e)
        {
            // pmxcfs may be down, and then the server should hear exactly that: the inventory will say so. Who we are is in the credentials.
            await terminal.Error.WriteLineAsync(PlainText.Of($"nannyagent: cannot check which host this is: {e.Message}"));
            return null;
        }

        return identity.Node == credentials.Node && identity.Cluster == credentials.Cluster
            ? null
            : $"This host is node {identity.Node} of cluster {identity.Cluster}, but was registered as node {credentials.Node} of cluster {credentials.Cluster}. Run: nannyagent register";
    }

    // Without its machine-id a machine says nothing of who it is, and another one may have these credentials, too: that is an error of its own.
    // Its name is not compared: people rename machines, and what was registered stays what it was.
    private static string? WrongMachine(HostIdentity identity, Credentials credentials, string whyMachine) => credentials.Cluster switch
    {
        var registered when registered == identity.Cluster => null,
        { IsMachine: false } => $"This host was registered as node {credentials.Node} of cluster {credentials.Cluster}, but is no Proxmox VE host now: {whyMachine}. Mend that, or run: nannyagent register",
        _ => $"This is machine {identity.Cluster}, but machine {credentials.Cluster} ({credentials.Node}) was registered here: this one is a copy of it, or has another machine-id or hardware now. Run: nannyagent register",
    };

    private static async Task Serve(Terminal terminal, AgentConfig config, Credentials credentials, string? whyMachine, CancellationToken stopping)
    {
        var (host, clock) = (terminal.Host, TimeProvider.System);
        using var loggers = StandardErrorLog.Create(terminal.Error, clock);
        using var http = ServerHttp.Create();
        var servers = new Servers(ServerChoice.Order(credentials.AgentId.Value, config.ApiUrls), http, clock);
        credentials = Keep(credentials, config.ApiUrls, host, loggers.CreateLogger<HubSession>());
        using var tokens = new AgentTokens(new TokenEndpoint(servers), host, credentials, clock, loggers.CreateLogger<AgentTokens>());
        var journal = new JobJournal(host, clock);
        using var scripts = new ScriptCache(servers, tokens, host, new ScriptTrust(host, config.CustomScripts));
        NodeName? node = whyMachine is null ? credentials.Node : null;
        var patches = new PatchHandler(host, node, terminal.Reads, scripts, clock, loggers.CreateLogger<PatchHandler>());
        var jobs = new JobRuntime(journal, patches, clock, loggers.CreateLogger<JobRuntime>())
        {
            Vms = new PatchVmHandler(host, patches, clock, loggers.CreateLogger<PatchVmHandler>()),
            GuestReboots = new RebootGuestHandler(host, node, terminal.Reads, clock, loggers.CreateLogger<RebootGuestHandler>()),
            HostReboots = new RebootHostHandler(host, node is not null, clock, loggers.CreateLogger<RebootHostHandler>()),
            HostCommands = new HostCommandHandler(host, node, terminal.Reads, clock, loggers.CreateLogger<HostCommandHandler>()),

            // Whoever is asked by the server has a connection to it.
            Diagnoses = new DiagnoseHandler(host, new Doctor(host, node, terminal.Reads, clock, _ => Task.FromResult<string?>(null)), clock),
        };
        var inventories = new InventoryReports(whyMachine is null
            ? new InventoryCollector(host, credentials.Node, terminal.Reads, config, AgentCommands.Version, clock)
            : new MachineInventory(host, credentials.Node, credentials.Cluster, AgentCommands.Version, config.GuestDiscoveryInterval, clock));
        var sampler = new MetricsSampler(host, node, config.MetricsInterval, clock);
        var metrics = new MetricsReports(sampler.Sample, config.MetricsInterval, clock, loggers.CreateLogger<MetricsReports>());
        var session = new HubSession(servers, tokens, inventories, metrics, jobs, config.GuestDiscoveryInterval, clock, loggers);

        var logger = loggers.CreateLogger<HubSession>();
        if (whyMachine is null)
        {
            Log.Started(logger, AgentCommands.Version, credentials.Node.Value, credentials.Cluster.Value);
        }
        else
        {
            Log.StartedOnMachine(logger, AgentCommands.Version, credentials.Node.Value, credentials.Cluster.Value, whyMachine);
        }

        jobs.Resume(stopping);
        await Task.WhenAll(session.Run(stopping), Prune(journal, clock, logger, stopping));
        await jobs.Stopped();
        Log.Ended(logger);
    }

    // So that the list may be changed again at the next start. Should the disk not take it, that start asks for one of the old list.
    private static Credentials Keep(Credentials credentials, IReadOnlyList<Uri> servers, Host host, ILogger logger)
    {
        var kept = credentials.With(servers);
        if (kept == credentials)
        {
            return credentials;
        }

        try
        {
            kept.Save(host);
            return kept;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Log.ServersNotKept(logger, Credentials.PathOn(host), e);
            return credentials;
        }
    }

    private static async Task Prune(JobJournal journal, TimeProvider clock, ILogger logger, CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                journal.Prune();
                await Task.Delay(TimeSpan.FromHours(6), clock, stopping);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
            {
                Log.NotPruned(logger, e);
                await Task.Delay(TimeSpan.FromMinutes(10), clock, stopping).ContinueWith(static _ => { }, TaskScheduler.Default);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "nannyagent {Version}: node {Node} of cluster {Cluster}", EventName = "AgentStarted")]
        public static partial void Started(ILogger logger, string version, string node, string cluster);

        [LoggerMessage(4, LogLevel.Information, "nannyagent {Version}: machine {Node} ({Cluster}), no Proxmox VE host: {Why}", EventName = "AgentStartedOnMachine")]
        public static partial void StartedOnMachine(ILogger logger, string version, string node, string cluster, string why);

        [LoggerMessage(5, LogLevel.Warning, "The list of servers cannot be written to {Path}", EventName = "ServersNotKept")]
        public static partial void ServersNotKept(ILogger logger, string path, Exception exception);

        [LoggerMessage(2, LogLevel.Information, "Ended as asked; running jobs go on", EventName = "AgentEnded")]
        public static partial void Ended(ILogger logger);

        [LoggerMessage(3, LogLevel.Warning, "Old jobs could not be removed from the journal", EventName = "JournalNotPruned")]
        public static partial void NotPruned(ILogger logger, Exception exception);
    }
}
