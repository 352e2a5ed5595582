using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using NannyOrleans.Api.Http;
using NannyOrleans.Silo;

namespace NannyOrleans.Api.Tests.Http;

/// <summary>Who may say by which address this server is known, and for whom it asks.</summary>
public sealed class TrustedProxiesTests
{
    [Theory]
    [InlineData(null, "127.0.0.1", "192.0.2.7", "https nanny.example.com 192.0.2.7")] // on this machine: always
    [InlineData(null, "10.1.2.3", "192.0.2.7", "http inside:8090 10.1.2.3")] // nobody else unless he is named
    [InlineData("10.1.0.0/16", "10.1.2.3", "192.0.2.7", "https nanny.example.com 192.0.2.7")]
    [InlineData("10.1.0.0/16", "10.2.2.3", "192.0.2.7", "http inside:8090 10.2.2.3")]
    [InlineData("fd00::5, 10.1.2.3", "10.1.2.3", "192.0.2.7", "https nanny.example.com 192.0.2.7")]
    [InlineData("10.1.2.3", "10.1.2.4", "192.0.2.7", "http inside:8090 10.1.2.4")]
    [InlineData("10.1.2.3", "::ffff:10.1.2.3", "192.0.2.7", "https nanny.example.com 192.0.2.7")] // as a socket for both families shows it
    [InlineData("10.1.0.0/16", "10.1.2.3", "198.51.100.1, 192.0.2.7, 10.1.9.9", "https nanny.example.com 192.0.2.7")] // two proxies; what the first was told is hearsay
    public async Task A_proxy_that_is_trusted_says_who_asks(string? setting, string peer, string forwardedFor, string seen)
    {
        var options = new ForwardedHeadersOptions();
        TrustedProxies.Configure(options, TrustedProxies.Read(setting));
        var http = new DefaultHttpContext();
        http.Connection.RemoteIpAddress = IPAddress.Parse(peer);
        (http.Request.Scheme, http.Request.Host) = ("http", new("inside:8090"));
        var hops = forwardedFor.Split(", ").Length;
        http.Request.Headers["X-Forwarded-For"] = forwardedFor;
        http.Request.Headers["X-Forwarded-Proto"] = string.Join(", ", Enumerable.Repeat("https", hops));
        http.Request.Headers["X-Forwarded-Host"] = string.Join(", ", Enumerable.Repeat("nanny.example.com", hops));

        await new ForwardedHeadersMiddleware(_ => Task.CompletedTask, NullLoggerFactory.Instance, Options.Create(options)).Invoke(http);
        Assert.Equal(seen, $"{http.Request.Scheme} {http.Request.Host} {http.Connection.RemoteIpAddress}");
    }

    [Theory]
    [InlineData("proxy.example.com")]
    [InlineData("10.1.0.0/33")]
    public void What_is_no_address_is_named(string setting) =>
        Assert.Contains($"Api:TrustedProxies: '{setting}'", Assert.Throws<CannotStartException>(() => TrustedProxies.Read($"10.0.0.1,{setting}")).Message, StringComparison.Ordinal);
}
