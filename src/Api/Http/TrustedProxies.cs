using System.Net;
using Microsoft.AspNetCore.HttpOverrides;
using NannyOrleans.Silo;

namespace NannyOrleans.Api.Http;

/// <summary>Whose word counts for who asks and by which address people know this server: <c>X-Forwarded-For</c>, <c>-Proto</c>, <c>-Host</c>, <c>-Prefix</c>.</summary>
internal static class TrustedProxies
{
    /// <summary>The setting: addresses and networks with commas between, such as <c>10.0.0.5, 10.1.0.0/16</c>. A proxy on this machine is always trusted.</summary>
    public const string Setting = "Api:TrustedProxies";

    public static void AddTrustedProxies(this IServiceCollection services, IConfiguration configuration)
    {
        var networks = Read(configuration[Setting]); // now and not at the first request
        services.Configure<ForwardedHeadersOptions>(forwarded => Configure(forwarded, networks));
    }

    /// <summary>The networks that a setting names.</summary>
    /// <exception cref="CannotStartException">Something in it is neither an address nor a network.</exception>
    internal static IReadOnlyList<System.Net.IPNetwork> Read(string? setting) =>
        [.. (setting ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(Parse)];

    internal static void Configure(ForwardedHeadersOptions forwarded, IReadOnlyList<System.Net.IPNetwork> networks)
    {
        forwarded.ForwardedHeaders =
            ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto | ForwardedHeaders.XForwardedHost | ForwardedHeaders.XForwardedPrefix;

        // One behind the other, each of them trusted; not the first who is not, who may have made up what came before.
        forwarded.ForwardLimit = networks.Count is 0 ? 1 : null;
        foreach (var network in networks)
        {
            forwarded.KnownIPNetworks.Add(network);
        }
    }

    private static System.Net.IPNetwork Parse(string said) =>
        System.Net.IPNetwork.TryParse(said, out var network) ? network
        : IPAddress.TryParse(said, out var address) ? new(address, address.GetAddressBytes().Length * 8)
        : throw new CannotStartException($"{Setting}: '{said}' is neither an address nor a network such as 10.1.0.0/16.");
}
