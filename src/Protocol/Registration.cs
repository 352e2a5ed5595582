namespace NannyOrleans.Protocol;

/// <summary>
/// How an agent registers: RFC 8628, with parameters of ours beside the standard ones so that the person who approves sees which
/// host asks. Requests are form-encoded, answers are JSON.
/// </summary>
public static class Registration
{
    /// <summary>The agents' public OAuth client.</summary>
    public const string ClientId = "nannyagent";

    /// <summary>The scope that opens the agent hub and nothing else.</summary>
    public const string AgentScope = "agent";

    /// <summary>Where a device code is asked for, below the server's URL.</summary>
    public const string DeviceEndpoint = "/connect/device";

    /// <summary>Where a code or a refresh token becomes an access token.</summary>
    public const string TokenEndpoint = "/connect/token";

    /// <summary>Request parameter: the host's name.</summary>
    public const string Hostname = "hostname";

    /// <summary>Request parameter: the node's name, a <see cref="Ids.NodeName"/>.</summary>
    public const string Node = "node";

    /// <summary>Request parameter: the cluster, or the machine outside Proxmox VE, a <see cref="Ids.ClusterId"/>.</summary>
    public const string Cluster = "cluster";

    /// <summary>Request parameter: the cluster's name as a person knows it; the node's on a standalone host.</summary>
    public const string ClusterName = "cluster_name";

    /// <summary>Answer of the token endpoint beside the tokens: the <see cref="Ids.AgentId"/> given.</summary>
    public const string AgentId = "agent_id";

    /// <summary>
    /// Answer of the token endpoint beside the <see cref="AgentId"/>: the public key of the script catalogue, a SubjectPublicKeyInfo in Base64.
    /// The agent pins it: whoever takes the server over later cannot make it run another script.
    /// </summary>
    public const string CatalogueKey = "catalogue_key";

    /// <summary>Answer beside it: the server's own key, for scripts that its administrators add; used only by agents that are configured to.</summary>
    public const string CustomKey = "custom_key";
}
