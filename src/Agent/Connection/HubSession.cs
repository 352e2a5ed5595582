using System.Net;
using System.Net.Http.Headers;
using System.Net.WebSockets;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using NannyOrleans.Agent.Configuration;
using NannyOrleans.Agent.Inventories;
using NannyOrleans.Agent.Jobs;
using NannyOrleans.Agent.Metrics;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Agent.Connection;

/// <summary>The agent's connection: made, used, lost and made again until the agent is told to end.</summary>
internal sealed partial class HubSession(
    Servers servers,
    AgentTokens tokens,
    InventoryReports inventories,
    MetricsReports metrics,
    JobRuntime jobs,
    TimeSpan discoveryInterval,
    TimeProvider clock,
    ILoggerFactory loggers)
{
    private readonly ILogger logger = loggers.CreateLogger<HubSession>();
    private Uri? server;
    private long? connectedAt;
    private TimeSpan? asked;

    /// <summary>Runs until cancelled. No failure of the network or the server ends it.</summary>
    public async Task Run(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            (connectedAt, asked) = (null, null);
            TimeSpan? longer = null;
            try
            {
                await ConnectAndServe(stopping);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (RegistrationEndedException e)
            {
                // Not an end of the process: a service manager would only start it again, faster and with a worse message.
                Log.RegistrationEnded(logger, e.Message);
                longer = RegistrationEndedWait;
            }
            catch (Exception e)
            {
                Log.Lost(logger, server, Reason(e));
            }

            var wait = servers.Ended(connectedAt is { } since && clock.GetElapsedTime(since) > Lasted, asked);
            await Wait(longer ?? wait, stopping);
        }
    }

    private async Task ConnectAndServe(CancellationToken stopping)
    {
        server = null;
        var token = await tokens.Get(stopping);
        server = servers.ToConnect(); // only now: the tokens' renewal may have found out which one answers
        var closed = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var connection = Build(server, token);
        connection.Closed += reason =>
        {
            closed.TrySetResult(reason);
            return Task.CompletedTask;
        };
        connection.On<Job>(AgentHub.RunJob, Receive);
        connection.On<CancelJob>(AgentHub.CancelJob, Cancel);
        var asks = Channel.CreateBounded<Discover>(new BoundedChannelOptions(MostAsked) { FullMode = BoundedChannelFullMode.DropWrite });
        connection.On<Discover>(AgentHub.Discover, ask => asks.Writer.TryWrite(ask));

        // What was due on an earlier connection is said anew, as it is now. Before the connection stands: from then on answers to its jobs come in.
        while (jobs.Due.TryRead(out _))
        {
        }

        using (var limit = CancellationTokenSource.CreateLinkedTokenSource(stopping))
        {
            limit.CancelAfter(ConnectLimit);
            await connection.StartAsync(limit.Token);
        }

        connectedAt = clock.GetTimestamp();
        Log.Connected(logger, server);
        using var lifetime = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var serving = Serve(connection, asks.Reader, lifetime.Token);
        await Task.WhenAny([closed.Task, .. serving]);
        await lifetime.CancelAsync();
        try
        {
            await Task.WhenAll(serving);
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested)
        {
            // The connection closed under it; why is said below.
        }

        stopping.ThrowIfCancellationRequested();
        throw new IOException("the connection was closed", await closed.Task);
    }

    private HubConnection Build(Uri server, string token)
    {
        var builder = new HubConnectionBuilder()
            .WithUrl(server.At(AgentHub.Path), options =>
            {
                // No negotiation, so no second request that another server behind the load balancer could answer.
                options.Transports = HttpTransportType.WebSockets;
                options.SkipNegotiation = true;
                options.WebSocketFactory = async (context, cancellationToken) => await Open(context.Uri, token, cancellationToken);
            })
            .AddJsonProtocol(options =>
            {
                ProtocolJson.Configure(options.PayloadSerializerOptions);
                options.PayloadSerializerOptions.Converters.Add(new LongTextConverter());
            });
        builder.Services.AddSingleton(loggers);
        return builder.Build();
    }

    // Opened here, since nothing else would tell what a server that refuses has to say.
    private async Task<WebSocket> Open(Uri address, string token, CancellationToken cancellationToken)
    {
        var socket = new ClientWebSocket { Options = { CollectHttpResponseDetails = true } };
        socket.Options.SetRequestHeader("Authorization", $"Bearer {token}");
        socket.Options.SetRequestHeader("User-Agent", ServerHttp.UserAgent);
        try
        {
            await socket.ConnectAsync(address, cancellationToken);
            socket.HttpResponseHeaders = null; // read no more
            return socket;
        }
        catch
        {
            if (socket.HttpStatusCode is HttpStatusCode.Unauthorized)
            {
                tokens.Refuse(token);
            }

            if (socket.HttpResponseHeaders?.TryGetValue("Retry-After", out var values) is true && RetryConditionHeaderValue.TryParse(values.First(), out var header))
            {
                asked = Servers.Asked(header, clock);
            }

            socket.Dispose();
            throw;
        }
    }

    private void Receive(Job job)
    {
        try
        {
            jobs.Receive(job);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Not in the journal, so not accepted and not run. Silence makes the server send it again.
            Log.NotJournalled(logger, job.Id, e);
        }
    }

    private void Cancel(CancelJob cancel)
    {
        try
        {
            jobs.Cancel(cancel.Id);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Not noted, so not done. The server says it again as long as the job has no end.
            Log.NotJournalled(logger, cancel.Id, e);
        }
    }

    // Side by side: an inventory can take minutes, and jobs that have ended are waited for. None ends before the connection does: one that
    // failed all the same ends the connection, and starts again with the next.
    private Task[] Serve(HubConnection connection, ChannelReader<Discover> asked, CancellationToken cancellationToken) =>
    [
        ReportInventories(connection, asked, cancellationToken),
        ReportJobs(connection, cancellationToken),
        SendOutput(connection, cancellationToken),
        metrics.Run((sample, stop) => SendMetrics(connection, sample, stop), cancellationToken),
    ];

    // A connection lost meanwhile is said by whoever waits for its end.
    private static Task SendMetrics(HubConnection connection, NodeMetrics sample, CancellationToken cancellationToken) =>
        connection.State is HubConnectionState.Connected ? connection.SendAsync(AgentHub.ReportMetrics, sample, cancellationToken) : Task.CompletedTask;

    // What running jobs print, for whoever watches. Before a report of the end nothing waits for it, and lost pieces are gaps.
    private async Task SendOutput(HubConnection connection, CancellationToken cancellationToken)
    {
        await foreach (var piece in jobs.Output.ReadAllAsync(cancellationToken))
        {
            if (connection.State is HubConnectionState.Connected)
            {
                await connection.SendAsync(AgentHub.ReportOutput, piece, cancellationToken);
            }
        }
    }

    private async Task ReportInventories(HubConnection connection, ChannelReader<Discover> asked, CancellationToken cancellationToken)
    {
        inventories.BeginAnew();
        while (true)
        {
            if (!await ReportInventory(connection, cancellationToken))
            {
                // A tenth of jitter, so that hosts started together drift apart.
                await WaitOrAsked(asked, discoveryInterval * (0.95 + (Random.Shared.NextDouble() * 0.1)), cancellationToken);
            }

            while (asked.TryRead(out var ask))
            {
                inventories.Take(ask);
            }
        }
    }

    private async Task WaitOrAsked(ChannelReader<Discover> asked, TimeSpan time, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(Task.Delay(time, clock, either.Token), asked.WaitToReadAsync(either.Token).AsTask());
        await either.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Looks and reports once.</summary>
    /// <returns>Whether the server wants another one at once.</returns>
    private async Task<bool> ReportInventory(HubConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            var inventory = await inventories.Next(cancellationToken);
            foreach (var problem in inventory.Problems)
            {
                Log.Problem(logger, problem);
            }

            return inventories.Taken(await Ask<InventoryAnswer?>(connection, AgentHub.ReportInventory, inventory, cancellationToken));
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested && connection.State is HubConnectionState.Connected)
        {
            // Whatever it is, jobs go on. It may have been taken or not: the next inventory is whole.
            inventories.BeginAnew();
            Log.InventoryNotTaken(logger, Reason(e));
            return false;
        }
    }

    private async Task ReportJobs(HubConnection connection, CancellationToken cancellationToken)
    {
        foreach (var due in jobs.Unacknowledged())
        {
            await ReportJob(connection, due, cancellationToken);
        }

        await foreach (var due in jobs.Due.ReadAllAsync(cancellationToken))
        {
            await ReportJob(connection, due, cancellationToken);
        }
    }

    private async Task ReportJob(HubConnection connection, ReportDue due, CancellationToken cancellationToken)
    {
        for (var failures = 1; ; failures++)
        {
            try
            {
                await SendReport(connection, due, cancellationToken);
                return;
            }
            catch (Exception e) when (IsRefusedOrLate(e, cancellationToken))
            {
                Log.ReportNotTaken(logger, due.Job, Reason(e));
            }

            await Task.Delay(Backoff.After(failures, Random.Shared.NextDouble()), clock, cancellationToken);
        }
    }

    private async Task SendReport(HubConnection connection, ReportDue due, CancellationToken cancellationToken)
    {
        if (jobs.Report(due) is not { } report)
        {
            return;
        }

        await Invoke(connection, AgentHub.ReportJob, report, cancellationToken);
        try
        {
            jobs.Acknowledge(report);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A full disk, as a rule. The server has the report; said again on a later connection it changes nothing.
            Log.NotMarked(logger, report.Id, e);
        }

        if (report.StandardOutput.Length + report.StandardError.Length > LargeReport)
        {
            // A host's memory is its guests'. Left to itself the collector keeps what one large report took for the next days.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }
    }

    private static async Task Invoke(HubConnection connection, string method, object argument, CancellationToken cancellationToken)
    {
        // A server that answers pings but never this call must not hold back all other reports.
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(InvokeLimit);
        await connection.InvokeAsync(method, argument, limit.Token);
    }

    private static async Task<T> Ask<T>(HubConnection connection, string method, object argument, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(InvokeLimit);
        return await connection.InvokeAsync<T>(method, argument, limit.Token);
    }

    private async Task Wait(TimeSpan time, CancellationToken stopping)
    {
        try
        {
            await Task.Delay(time, clock, stopping);
        }
        catch (OperationCanceledException)
        {
            // The loop's condition ends it.
        }
    }

    /// <summary>The server said no, or nothing in time, while the connection stands. A lost connection is another matter.</summary>
    private static bool IsRefusedOrLate(Exception e, CancellationToken cancellationToken) =>
        e is HubException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested);

    private static string Reason(Exception e) => e.InnerException is { } inner ? $"{e.Message}: {inner.Message}" : e.Message;

    private const int MostAsked = 100; // any of them is a whole report of the latest state
    private const int LargeReport = 256 * 1024;
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(15); // a frozen server's kernel still takes connections
    private static readonly TimeSpan InvokeLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Lasted = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan RegistrationEndedWait = TimeSpan.FromSeconds(60);

    private static partial class Log
    {
        [LoggerMessage(1101, LogLevel.Information, "Connected to {Server}", EventName = "Connected")]
        public static partial void Connected(ILogger logger, Uri server);

        [LoggerMessage(1102, LogLevel.Warning, "No connection to {Server}: {Reason}", EventName = "ConnectionLost")]
        public static partial void Lost(ILogger logger, Uri? server, string reason);

        [LoggerMessage(1103, LogLevel.Error, "{Reason}", EventName = "RegistrationEnded")]
        public static partial void RegistrationEnded(ILogger logger, string reason);

        [LoggerMessage(1104, LogLevel.Warning, "{Problem}", EventName = "InventoryProblem")]
        public static partial void Problem(ILogger logger, string problem);

        [LoggerMessage(1105, LogLevel.Warning, "No inventory was given to the server: {Reason}", EventName = "InventoryNotTaken")]
        public static partial void InventoryNotTaken(ILogger logger, string reason);

        [LoggerMessage(1106, LogLevel.Warning, "The server did not take the report of job {Job}: {Reason}", EventName = "ReportNotTaken")]
        public static partial void ReportNotTaken(ILogger logger, NannyOrleans.Protocol.Ids.JobId job, string reason);

        [LoggerMessage(1107, LogLevel.Error, "Job {Job} cannot be written to the journal and is not accepted", EventName = "JobNotJournalled")]
        public static partial void NotJournalled(ILogger logger, NannyOrleans.Protocol.Ids.JobId job, Exception exception);

        [LoggerMessage(1108, LogLevel.Error, "The server has the end of job {Job}, but the journal cannot be told", EventName = "ReportNotMarked")]
        public static partial void NotMarked(ILogger logger, NannyOrleans.Protocol.Ids.JobId job, Exception exception);
    }
}
