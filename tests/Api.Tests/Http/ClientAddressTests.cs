using System.Net;
using NannyOrleans.Api.Http;

namespace NannyOrleans.Api.Tests.Http;

public sealed class ClientAddressTests
{
    [Theory]
    [InlineData("192.0.2.7", "192.0.2.7")]
    [InlineData("::ffff:192.0.2.7", "192.0.2.7")] // as a socket for both families shows it
    [InlineData("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64")] // whoever has one address of it has all
    [InlineData("2001:db8:1:2::1", "2001:db8:1:2::/64")]
    [InlineData("2001:db8:1:3::1", "2001:db8:1:3::/64")]
    [InlineData("::1", "::/64")]
    [InlineData(null, "local")] // a Unix socket
    public void A_caller_is_his_address_or_his_network(string? address, string who) =>
        Assert.Equal(who, ClientAddress.Of(address is null ? null : IPAddress.Parse(address)));
}
