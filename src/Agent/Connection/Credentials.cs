using System.Text.Json;
using NannyOrleans.Agent.Configuration;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Agent.Connection;

/// <summary>What registration gave this host, in <c>/var/lib/nannyagent/credentials.json</c> (mode 0600).</summary>
/// <param name="ApiUrl">A server it is registered with.</param>
/// <param name="AgentId">The agent's id there.</param>
/// <param name="AccessToken">Opens the hub and the scripts. Secret.</param>
/// <param name="ExpiresAt">When the access token ends; null when the server did not say.</param>
/// <param name="RefreshToken">Gets the next access token. Secret.</param>
/// <param name="Node">The node it was registered as.</param>
/// <param name="Cluster">The cluster it was registered in.</param>
internal sealed record Credentials(
    Uri ApiUrl,
    AgentId AgentId,
    string AccessToken,
    DateTimeOffset? ExpiresAt,
    string RefreshToken,
    NodeName Node,
    ClusterId Cluster)
{
    /// <summary>
    /// All servers of that installation, as the configuration last named them, parted by spaces; null where it names one. A text, so that
    /// two of these are compared by what they say.
    /// </summary>
    public string? Servers { get; init; }

    /// <summary>The pinned public key of the script catalogue, a SubjectPublicKeyInfo in Base64; null where it was registered before there were any.</summary>
    public string? CatalogueKey { get; init; }

    /// <summary>The pinned public key of the server's custom scripts; null likewise.</summary>
    public string? CustomKey { get; init; }

    /// <summary>
    /// Whether they are for an installation with one of these servers: its list may change from one start of the agent to the next, but
    /// not wholly, or a wrong configuration would show this host's tokens to strangers.
    /// </summary>
    public bool AreFor(IReadOnlyList<Uri> servers) => Known().Any(known => ServerUrl.IsAmong(known, servers));

    /// <summary>These, for an agent that works with such servers.</summary>
    public Credentials With(IReadOnlyList<Uri> servers) => this with
    {
        ApiUrl = ServerUrl.IsAmong(ApiUrl, servers) ? ApiUrl : servers[0],
        Servers = servers.Count is 1 ? null : ServerUrl.Text(servers, " "),
    };

    /// <summary>The servers it is registered with.</summary>
    public IReadOnlyList<Uri> Known() =>
        Servers is not null && ServerUrl.ParseAll(Servers, out var all) is null ? ServerUrl.IsAmong(ApiUrl, all) ? all : [ApiUrl, .. all] : [ApiUrl];

    /// <summary>Where they are on a host.</summary>
    public static string PathOn(Host host) => Path.Combine(host.State, "credentials.json");

    /// <summary>Reads them; null when the host is not registered.</summary>
    /// <exception cref="JsonException">The file is damaged.</exception>
    public static Credentials? Load(Host host)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(PathOn(host)), AgentJson.Default.Credentials);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Puts them on disk; the earlier ones stand until the new ones do.</summary>
    public void Save(Host host)
    {
        DurableFile.MakeDirectory(host.State);
        DurableFile.Write(PathOn(host), JsonSerializer.SerializeToUtf8Bytes(this, AgentJson.Default.Credentials));
    }

    /// <summary>Says nothing secret, so that a record in a log message gives nothing away.</summary>
    public override string ToString() => $"agent {AgentId} at {ServerUrl.Text(Known(), ", ")}";
}
