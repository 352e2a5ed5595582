using System.Text.Json.Serialization.Metadata;
using System.Threading.Channels;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Api.Tests.Support;

/// <summary>Speaks the agent's side of the protocol and does nothing by itself.</summary>
internal sealed class HostPeer : IAsyncDisposable
{
    public static readonly byte[] MembershipKey = Membership.KeyOf("the key of a lab"u8);

    private HubConnection? connection;
    private Channel<Job> jobs = Channel.CreateUnbounded<Job>();
    private Channel<Discover> asked = Channel.CreateUnbounded<Discover>();
    private Channel<CancelJob> cancels = Channel.CreateUnbounded<CancelJob>();
    private TaskCompletionSource closed = new();

    private HostPeer(ClusterId cluster, NodeName node, string clusterName, Answer tokens)
    {
        Cluster = cluster;
        Node = node;
        ClusterName = clusterName;
        Id = AgentId.Parse(tokens.Text(Registration.AgentId));
        AccessToken = tokens.Text("access_token");
        RefreshToken = tokens.Text("refresh_token");
    }

    public ClusterId Cluster { get; }

    public NodeName Node { get; }

    public string ClusterName { get; }

    public AgentId Id { get; }

    public string AccessToken { get; }

    public string RefreshToken { get; }

    /// <summary>Ends when the server has cut the connection.</summary>
    public Task Closed => closed.Task;

    /// <summary>The device flow to its end, approved by a person's token.</summary>
    public static async Task<HostPeer> Register(Caller admin, ClusterId cluster, string node = "pve1", string? clusterName = null)
    {
        clusterName ??= $"lab-{cluster.Value[^8..]}"; // of hundreds on one server no two alike
        var host = admin.With(null);
        var code = (await AskForCode(host, cluster.Value, node, node, clusterName)).Is(200);
        (await admin.PostForm("/device", ("user_code", code.Text("user_code")), ("decision", "approve"))).Is(302);
        return new(cluster, NodeName.Parse(node), clusterName, (await Poll(host, code.Text("device_code"))).Is(200));
    }

    public static Task<Answer> AskForCode(Caller host, params (string Name, string Value)[] about) =>
        host.PostForm(Registration.DeviceEndpoint, [("client_id", Registration.ClientId), ("scope", $"{Registration.AgentScope} offline_access"), .. about]);

    public static Task<Answer> AskForCode(Caller host, string cluster, string node, string hostname, string clusterName) => AskForCode(
        host, (Registration.Cluster, cluster), (Registration.Node, node), (Registration.Hostname, hostname), (Registration.ClusterName, clusterName));

    /// <summary>Asks for tokens as a member of its cluster, with a key that all of them here have.</summary>
    public static Task<Answer> Poll(Caller host, string deviceCode) => Poll(host, deviceCode, (Membership.KeyParameter, Convert.ToBase64String(MembershipKey)));

    public static Task<Answer> Poll(Caller host, string deviceCode, params (string Name, string Value)[] shown) => host.PostForm(
        Registration.TokenEndpoint, [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", deviceCode), ("client_id", Registration.ClientId), .. shown]);

    /// <summary>Opens the hub, anew if it was open before; forgets the jobs of the connection before.</summary>
    public async Task Connect(Uri server)
    {
        await Disconnect();
        var (received, wanted, ended) = (Channel.CreateUnbounded<Job>(), Channel.CreateUnbounded<Discover>(), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        (jobs, asked, closed) = (received, wanted, ended);
        var unwanted = cancels = Channel.CreateUnbounded<CancelJob>();
        connection = Build(server, AccessToken);
        connection.On<Job>(AgentHub.RunJob, job => received.Writer.TryWrite(job));
        connection.On<CancelJob>(AgentHub.CancelJob, ask => unwanted.Writer.TryWrite(ask));
        connection.On<Discover>(AgentHub.Discover, ask => wanted.Writer.TryWrite(ask));
        connection.Closed += _ =>
        {
            ended.TrySetResult();
            return Task.CompletedTask;
        };
        await connection.StartAsync().Within($"{Node} to connect");
    }

    public static HubConnection Build(Uri server, string token)
    {
        var builder = new HubConnectionBuilder().WithUrl(new Uri(server, AgentHub.Path), options =>
        {
            options.Transports = HttpTransportType.WebSockets;
            options.SkipNegotiation = true;
            options.AccessTokenProvider = () => Task.FromResult<string?>(token);
        });
        builder.AddJsonProtocol(options =>
        {
            ProtocolJson.Configure(options.PayloadSerializerOptions);
            options.PayloadSerializerOptions.TypeInfoResolverChain.Add(new DefaultJsonTypeInfoResolver()); // for messages that are no records
        });
        return builder.Build();
    }

    public async Task Disconnect()
    {
        if (connection is { } open)
        {
            connection = null;
            await open.DisposeAsync();
        }
    }

    /// <summary>Connects and says what is on the host. Once this returns the server knows both.</summary>
    public async Task ConnectWith(Uri server, params GuestSeen[] guests)
    {
        await Connect(server);
        await ReportInventory(Some.Inventory(this, guests));
    }

    /// <summary>A whole inventory, or with <see cref="Inventory.Since"/> what has changed.</summary>
    public Task<InventoryAnswer> ReportInventory(Inventory inventory) =>
        connection!.InvokeCoreAsync<InventoryAnswer>(AgentHub.ReportInventory, [inventory]).Within("the answer to an inventory");

    public Task ReportMetrics(NodeMetrics metrics) => Call(AgentHub.ReportMetrics, metrics);

    /// <summary>
    /// Says that it reports each second, and nothing any more. Returns when three of them have passed: the server has nothing to answer
    /// until then.
    /// </summary>
    public async Task FallSilent(Caller admin)
    {
        await ReportMetrics(new(Some.Noon, IntervalSeconds: 1));
        await Disconnect();
        await Waiting.Until(() => admin.Get($"/api/agents/{Id}"), row => row.Text("status") is "offline", "the host to be seen offline");
    }

    public Task Report(JobReport report) => Call(AgentHub.ReportJob, report);

    /// <summary>Says anything at all; returns when the server has answered, throws when it refused.</summary>
    public Task Call(string method, object? argument) => connection!.InvokeCoreAsync(method, [argument]).Within($"the answer to {method}");

    public Task<PatchGuest> NextJob() => NextJob<PatchGuest>();

    public async Task<T> NextJob<T>()
        where T : Job => Assert.IsType<T>(await jobs.Reader.ReadAsync().AsTask().Within($"a job for {Node}"));

    public async Task<PatchJob> NextPatch() => Assert.IsAssignableFrom<PatchJob>(await jobs.Reader.ReadAsync().AsTask().Within($"a patch for {Node}"));

    public Task<CancelJob> NextCancel() => cancels.Reader.ReadAsync().AsTask().Within($"{Node} to be told to end a job");

    public Task<Discover> NextDiscover() => asked.Reader.ReadAsync().AsTask().Within($"{Node} to be asked to look anew");

    /// <summary>Whether no job has come that was not taken. Ask after an answered call: what was sent before the answer has come before it.</summary>
    public bool HasNoJob() => jobs.Reader.Count is 0;

    public ValueTask DisposeAsync() => new(Disconnect());
}
