namespace NannyOrleans.Agent.Connection;

/// <summary>How the agent asks its server by HTTP.</summary>
internal static class ServerHttp
{
    /// <summary>What it calls itself.</summary>
    public static string UserAgent { get; } = $"nannyagent/{Commands.AgentCommands.Version}";

    /// <summary>A client with limits: on time, and on what an answer may make us hold in memory.</summary>
    public static HttpClient Create() => new(new SocketsHttpHandler
    {
        // A redirect would send a token or a form to an address nobody wrote into the configuration.
        AllowAutoRedirect = false,
        ConnectTimeout = TimeSpan.FromSeconds(10), // a host that is off does not answer at all, and there may be another server
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    })
    {
        Timeout = TimeSpan.FromSeconds(30),
        MaxResponseContentBufferSize = 1024 * 1024,
        DefaultRequestHeaders = { { "User-Agent", UserAgent } },
    };
}
