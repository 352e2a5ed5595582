using NannyOrleans.Api.Agents;

namespace NannyOrleans.Api.Http;

/// <summary>Where the server listens, and to how much.</summary>
internal static class Listening
{
    private const string Plain = "http://*:8090";
    private const string Secure = "https://*:8443";

    /// <summary>At the addresses that are configured; where none are, port 8443 of all with a certificate, or else port 8090.</summary>
    public static void AddListening(this IWebHostBuilder host, IConfiguration configuration)
    {
        var tls = TlsFiles.Read(configuration, TimeProvider.System);
        var addresses = configuration[WebHostDefaults.ServerUrlsKey];
        if (string.IsNullOrEmpty(addresses))
        {
            addresses = tls is null ? Plain : Secure;
            host.UseUrls(addresses);
        }

        TlsFiles.Check(tls, addresses, kestrelHasOne: configuration.GetSection("Kestrel").Exists());
        var proxies = TrustedProxies.Read(configuration[TrustedProxies.Setting]);
        host.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            ServerLimits.Bound(kestrel.Limits);
            AgentPlaces.Bound(kestrel.Limits);
            var places = new ConnectionPlaces(kestrel.Limits.MaxConcurrentConnections / 2, proxies);
            kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Use(next => connection => places.LetIn(connection, next)));
            if (tls is not null)
            {
                kestrel.ConfigureHttpsDefaults(https => tls.Configure(https, kestrel.ApplicationServices.GetRequiredService<ILogger<TlsFiles>>()));
            }
        });
    }
}
