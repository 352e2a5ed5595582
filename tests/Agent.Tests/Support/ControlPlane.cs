using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using NannyOrleans.Agent.Connection;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Agent.Tests.Support;

/// <summary>The server's side of everything an agent says, on a loopback port: real HTTP, real SignalR, answers as the test wants them.</summary>
public sealed class ControlPlane : IAsyncDisposable
{
    private readonly WebApplication app;
    private readonly ConcurrentDictionary<string, byte[]> scripts = new();

    private ControlPlane(WebApplication app) => this.app = app;

    public Uri Url { get; private set; } = null!;

    /// <summary>Inventories as they come.</summary>
    public Channel<Inventory> Inventories { get; } = Channel.CreateUnbounded<Inventory>();

    /// <summary>Metrics as they come.</summary>
    public Channel<NodeMetrics> Metrics { get; } = Channel.CreateUnbounded<NodeMetrics>();

    /// <summary>Job reports as they come, whether acknowledged or not.</summary>
    public Channel<JobReport> Reports { get; } = Channel.CreateUnbounded<JobReport>();

    /// <summary>Pieces of jobs' output as they come.</summary>
    public Channel<JobOutput> Outputs { get; } = Channel.CreateUnbounded<JobOutput>();

    /// <summary>Forms posted to the token endpoint.</summary>
    public ConcurrentQueue<IReadOnlyDictionary<string, string>> TokenRequests { get; } = new();

    /// <summary>The form posted to the device endpoint last.</summary>
    public IReadOnlyDictionary<string, string>? DeviceRequest { get; private set; }

    /// <summary>What the device endpoint answers.</summary>
    public string DeviceAnswer { get; set; } =
        """{"device_code":"secret-device-code","user_code":"WDJB-MJHT","verification_uri":"http://here/device","verification_uri_complete":"http://here/device?user_code=WDJB-MJHT","expires_in":600,"interval":5}""";

    /// <summary>What the token endpoint answers: status and JSON.</summary>
    public Func<IReadOnlyDictionary<string, string>, (int Status, string Json)> Tokens { get; set; } = _ => (500, "{}");

    /// <summary>Whether a bearer token opens the hub and the scripts.</summary>
    public Func<string, bool> IsGood { get; set; } = _ => true;

    /// <summary>Whether a path is answered with a failure instead, and for how long the agent is asked to stay away.</summary>
    public Func<string, (int Status, int? RetryAfter)?> OutOfOrder { get; set; } = _ => null;

    /// <summary>Requests answered with a failure.</summary>
    public int TurnedAway => turnedAway;

    private int turnedAway;

    /// <summary>A job sent down each connection as soon as it stands.</summary>
    public Job? Greeting { get; set; }

    /// <summary>What an inventory is answered with.</summary>
    public Func<Inventory, InventoryAnswer> OnInventory { get; set; } = _ => new(NeedsWhole: false);

    /// <summary>Throwing here is a server that could not store a report.</summary>
    public Action<JobReport> OnReport { get; set; } = _ => { };

    /// <summary>Connections refused with 401.</summary>
    public int Refused => refused;

    private int refused;

    /// <summary>Connections made.</summary>
    public int Connected => connected;

    private int connected;

    /// <summary>Scripts asked for.</summary>
    public int ScriptRequests => scriptRequests;

    private int scriptRequests;

    public static async Task<ControlPlane> Start(int port = 0)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        builder.Logging.ClearProviders();
        ControlPlane? plane = null;
        builder.Services.AddSingleton(_ => plane!);
        builder.Services.AddSignalR(options => options.MaximumReceiveMessageSize = 4 * 1024 * 1024).AddJsonProtocol(options =>
        {
            ProtocolJson.Configure(options.PayloadSerializerOptions);
        });
        var app = builder.Build();
        plane = new ControlPlane(app);
        plane.Map();
        await app.StartAsync();
        plane.Url = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        return plane;
    }

    /// <summary>Sends a job down every connection.</summary>
    public Task Send(Job job) => app.Services.GetRequiredService<IHubContext<Hub>>().Clients.All.SendAsync(AgentHub.RunJob, job);

    /// <summary>Has every agent end a job.</summary>
    public Task Cancel(Job job) => app.Services.GetRequiredService<IHubContext<Hub>>().Clients.All.SendAsync(AgentHub.CancelJob, new CancelJob(job.Id));

    /// <summary>Asks every agent to look anew.</summary>
    public Task Ask(Discover ask) => app.Services.GetRequiredService<IHubContext<Hub>>().Clients.All.SendAsync(AgentHub.Discover, ask);

    /// <summary>This server alone, as an agent asks it.</summary>
    internal Servers Servers(HttpClient http) => new([Url], http, TimeProvider.System);

    /// <summary>Ends as a server does that is told to: no new connections, and those there are get closed.</summary>
    public Task Stop() => app.StopAsync().Within("the server's end");

    /// <summary>Ends every connection, as a restart of the server does.</summary>
    public void Drop()
    {
        foreach (var connection in Hub.Connections.Values.Where(connection => connection.Items.ContainsKey(this)))
        {
            connection.Abort();
        }
    }

    /// <summary>Serves a script, signed as the catalogue's are unless said otherwise.</summary>
    /// <returns>How a job refers to it.</returns>
    public ScriptReference Script(string name, string text, ScriptSigner signer = ScriptSigner.Catalogue)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        scripts[name] = bytes;
        return SigningKeys.Sign(new ScriptReference(name, Convert.ToHexStringLower(SHA256.HashData(bytes))) { Signer = signer });
    }

    public async Task<JobReport> NextReport(string waitedFor) => await Reports.Reader.ReadAsync().AsTask().Within(waitedFor);

    /// <summary>The next final report; others before it are skipped.</summary>
    public async Task<JobReport> NextEnd(string waitedFor)
    {
        while (true)
        {
            if (await NextReport(waitedFor) is var report && report.Outcome.IsFinal())
            {
                return report;
            }
        }
    }

    public async Task<Inventory> NextInventory() => await Inventories.Reader.ReadAsync().AsTask().Within("an inventory");

    public async Task<NodeMetrics> NextMetrics() => await Metrics.Reader.ReadAsync().AsTask().Within("metrics");

    public async ValueTask DisposeAsync()
    {
        Drop();
        await app.StopAsync(new CancellationToken(canceled: true)).ContinueWith(static _ => { }, TaskScheduler.Default);
        await app.DisposeAsync();
    }

    private void Map()
    {
        app.Use(async (context, next) =>
        {
            var path = context.Request.Path;
            if (OutOfOrder(path) is var (status, retryAfter))
            {
                Interlocked.Increment(ref turnedAway);
                context.Response.StatusCode = status;
                context.Response.Headers.RetryAfter = retryAfter is { } seconds ? seconds.ToString(CultureInfo.InvariantCulture) : default;
                return;
            }

            var isOpen = path.StartsWithSegments("/connect");
            var token = context.Request.Headers.Authorization.ToString().Replace("Bearer ", string.Empty, StringComparison.Ordinal);
            if (!isOpen && (token.Length is 0 || !IsGood(token)))
            {
                Interlocked.Increment(ref refused);
                context.Response.StatusCode = 401;
                return;
            }

            await next(context);
        });
        app.MapHub<Hub>(AgentHub.Path);
        app.MapPost(Registration.DeviceEndpoint, async context =>
        {
            DeviceRequest = await Form(context);
            await Answer(context, 200, DeviceAnswer);
        });
        app.MapPost(Registration.TokenEndpoint, async context =>
        {
            var form = await Form(context);
            TokenRequests.Enqueue(form);
            var (status, json) = Tokens(form);
            await Answer(context, status, json);
        });
        app.MapGet("/api/scripts/{name}/content", async (string name, HttpContext context) =>
        {
            Interlocked.Increment(ref scriptRequests);
            if (scripts.TryGetValue(name, out var content))
            {
                await context.Response.Body.WriteAsync(content);
            }
            else
            {
                context.Response.StatusCode = 404;
            }
        });
    }

    private static async Task<IReadOnlyDictionary<string, string>> Form(HttpContext context) =>
        (await context.Request.ReadFormAsync()).ToDictionary(pair => pair.Key, pair => pair.Value.ToString());

    private static async Task Answer(HttpContext context, int status, string json)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(json);
    }

    public sealed class Hub(ControlPlane plane) : Microsoft.AspNetCore.SignalR.Hub
    {
        internal static readonly ConcurrentDictionary<string, HubCallerContext> Connections = new();

        public override Task OnConnectedAsync()
        {
            Context.Items[plane] = true;
            Connections[Context.ConnectionId] = Context;
            Interlocked.Increment(ref plane.connected);
            return plane.Greeting is { } job ? Clients.Caller.SendAsync(AgentHub.RunJob, job) : Task.CompletedTask;
        }

        public override Task OnDisconnectedAsync(Exception? exception)
        {
            Connections.TryRemove(Context.ConnectionId, out _);
            return Task.CompletedTask;
        }

        public InventoryAnswer ReportInventory(Inventory inventory)
        {
            plane.Inventories.Writer.TryWrite(inventory);
            return plane.OnInventory(inventory);
        }

        public Task ReportMetrics(NodeMetrics metrics)
        {
            plane.Metrics.Writer.TryWrite(metrics);
            return Task.CompletedTask;
        }

        public Task ReportOutput(JobOutput output)
        {
            plane.Outputs.Writer.TryWrite(output);
            return Task.CompletedTask;
        }

        public Task ReportJob(JobReport report)
        {
            plane.Reports.Writer.TryWrite(report);
            plane.OnReport(report);
            return Task.CompletedTask;
        }
    }
}
