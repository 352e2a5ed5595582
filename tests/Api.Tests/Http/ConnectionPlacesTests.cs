using System.Net;
using Microsoft.AspNetCore.Connections;
using NannyOrleans.Api.Http;

namespace NannyOrleans.Api.Tests.Http;

/// <summary>Connections that are opened and held.</summary>
public sealed class ConnectionPlacesTests
{
    private const int Most = 10;

    private readonly ConnectionPlaces places = new(Most, TrustedProxies.Read("10.1.0.0/16"));
    private readonly List<ConnectionContext> served = [];
    private readonly TaskCompletionSource end = new();

    [Theory]
    [InlineData("192.0.2.7", Most)]
    [InlineData("2001:db8::7", Most)]
    [InlineData("10.1.2.3", 100)] // a proxy stands for many
    [InlineData("::ffff:10.1.2.3", 100)]
    [InlineData("127.0.0.1", 100)] // and so may this machine
    [InlineData(null, 100)] // a Unix socket
    public async Task An_address_holds_no_more_than_its_share_and_others_get_in(string? address, int held)
    {
        var open = Enumerable.Range(0, 100).Select(_ => Open(address)).ToArray();
        Assert.Equal(held, served.Count);
        Assert.Equal(100 - held, open.Count(one => one.IsCompleted)); // closed at once

        var other = Open("192.0.2.8");
        Assert.Equal(held + 1, served.Count);

        end.SetResult();
        await Task.WhenAll([.. open, other]);
        Assert.Equal(0, places.Addresses);
        await Open(address);
        Assert.Equal(held + 2, served.Count);
    }

    [Fact]
    public async Task A_connection_that_has_become_an_agents_leaves_its_place_once()
    {
        var agents = Enumerable.Range(0, 1000).Select(_ =>
        {
            var one = Open("192.0.2.7");
            served[^1].Features.Get<ConnectionPlaces.Place>()!.Dispose();
            return one;
        }).ToArray();
        Assert.Equal(1000, served.Count);

        var others = Enumerable.Range(0, 100).Select(_ => Open("192.0.2.7")).ToArray();
        Assert.Equal(1000 + Most, served.Count);
        end.SetResult();
        await Task.WhenAll([.. agents, .. others]);
        Assert.Equal(0, places.Addresses);
    }

    private Task Open(string? address)
    {
        var connection = new DefaultConnectionContext { RemoteEndPoint = address is null ? null : new IPEndPoint(IPAddress.Parse(address), 1) };
        return places.LetIn(connection, one =>
        {
            served.Add(one);
            return end.Task;
        });
    }
}
