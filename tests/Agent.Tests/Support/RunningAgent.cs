using System.Globalization;
using NannyOrleans.Agent.Commands;
using NannyOrleans.Agent.Connection;
using NannyOrleans.Agent.Machines;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Tests.Support;

/// <summary><c>nannyagent run</c> over a lab host, in this process.</summary>
public sealed class RunningAgent : IAsyncDisposable
{
    private readonly CancellationTokenSource stopping = new();
    private readonly StringWriter error = new(CultureInfo.InvariantCulture);

    private readonly TextWriter shared;

    private RunningAgent(LabHost host)
    {
        shared = TextWriter.Synchronized(error);
        Exit = Task.Run(() => AgentCommands.Run(["--root", host.Directory, "run"], host.SearchPath, TextWriter.Null, shared, stopping.Token));
    }

    /// <summary>Its exit code, once it has ended.</summary>
    public Task<int> Exit { get; }

    /// <summary>What it has written to standard error.</summary>
    public string Error
    {
        get
        {
            lock (shared) // what the synchronized writer locks, too
            {
                return error.ToString();
            }
        }
    }

    public static RunningAgent On(LabHost host) => new(host);

    /// <summary>Registers the host with the server without asking anybody.</summary>
    public static void Register(LabHost host, ControlPlane server, string accessToken = "access-1", DateTimeOffset? expires = null, string refreshToken = "refresh-1", params ControlPlane[] others)
    {
        host.Write("etc/nannyagent/config.yml", $"api_url: {string.Join(", ", [server.Url, .. others.Select(other => other.Url)])}\n");
        var identity = host.IsMachine ? MachineIdentity.Read(host.Host) : new PveHost(host.Host, new(Eventually.Limit)).Identity(default).GetAwaiter().GetResult();
        new Credentials(new Uri(server.Url.AbsoluteUri.TrimEnd('/')), AgentId.Parse(AgentUlid), accessToken, expires, refreshToken, identity.Node, identity.Cluster)
        {
            CatalogueKey = SigningKeys.Public.Catalogue,
            CustomKey = SigningKeys.Public.Custom,
        }.Save(host.Host);
    }

    public const string AgentUlid = "01JDMT2Q4N0000000000000000";

    /// <summary>A patch job on container 100.</summary>
    public static PatchGuest Job(ScriptReference script, int number = 1, int vmid = 100, PatchMode mode = PatchMode.Apply, int timeoutSeconds = 600, params string[] exclusions) =>
        new(JobId.Parse(string.Create(CultureInfo.InvariantCulture, $"01JDMT2Q4N{number:D16}")), timeoutSeconds, new Vmid(vmid), mode, exclusions, script);

    /// <summary>Asks it to end, as SIGTERM does.</summary>
    public async Task<int> Stop()
    {
        await stopping.CancelAsync();
        return await Exit.Within("the agent's end");
    }

    public async ValueTask DisposeAsync()
    {
        await Stop();
        stopping.Dispose();
    }
}
