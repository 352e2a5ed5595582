using System.Net;
using System.Net.WebSockets;
using NannyOrleans.Api.Dashboard;
using NannyOrleans.Api.Tests.Support;

namespace NannyOrleans.Api.Tests.Dashboard;

/// <summary>Pages' connections: a person's own, from this server's pages, and not without end.</summary>
public sealed class OpenPagesTests(SharedServer shared)
{
    [Fact]
    public async Task One_person_connects_so_many_pages_and_keeps_nobody_else_out()
    {
        var (one, other) = (await Cookie(), await Cookie());
        var open = new List<ClientWebSocket>();
        try
        {
            for (var page = 0; page < OpenPages.Most; page++)
            {
                open.Add(await Connected(one));
            }

            Assert.Equal(HttpStatusCode.TooManyRequests, await Connect(one));
            open.Add(await Connected(other));
            open[0].Abort();
            await Waiting.Until(() => Connect(one), status => status is HttpStatusCode.SwitchingProtocols, "a place for another page");
        }
        finally
        {
            open.ForEach(socket => socket.Dispose());
        }
    }

    [Theory]
    [InlineData("same-origin", null, HttpStatusCode.SwitchingProtocols)]
    [InlineData(null, "", HttpStatusCode.SwitchingProtocols)]
    [InlineData(null, null, HttpStatusCode.Forbidden)] // no browser
    [InlineData(null, "http://evil.example", HttpStatusCode.Forbidden)]
    [InlineData("same-site", "", HttpStatusCode.Forbidden)] // another port of the same host
    [InlineData("cross-site", "", HttpStatusCode.Forbidden)]
    public async Task Another_servers_page_does_not_connect_with_a_persons_cookie(string? site, string? origin, HttpStatusCode status) =>
        Assert.Equal(status, await Connect(await Cookie(), site, origin is "" ? shared.Server.Url.GetLeftPart(UriPartial.Authority) : origin));

    [Fact]
    public async Task Nobody_connects_without_a_cookie_and_none_otherwise_than_by_a_web_socket()
    {
        Assert.Equal(HttpStatusCode.Unauthorized, await Connect(null));
        var person = await NewPerson.Make(shared);
        (await (await person.SignInByCookie()).Get("/_blazor?id=any")).Is(400);
        (await (await person.SignInByCookie()).Get("/_BLAZOR/")).Is(400);
    }

    private async Task<string> Cookie()
    {
        var person = await NewPerson.Make(shared);
        var signedIn = (await shared.Anonymous.FromItsPage().PostForm("/signin", ("username", person.Name), ("password", person.Password))).Is(302);
        return signedIn.Header("Set-Cookie")!.Split(';')[0];
    }

    private async Task<ClientWebSocket> Connected(string cookie)
    {
        var (status, socket) = await Open(cookie, "same-origin", null);
        Assert.Equal(HttpStatusCode.SwitchingProtocols, status);
        return socket;
    }

    private async Task<HttpStatusCode> Connect(string? cookie, string? site = "same-origin", string? origin = null)
    {
        var (status, socket) = await Open(cookie, site, origin);
        socket.Dispose();
        return status;
    }

    private async Task<(HttpStatusCode Status, ClientWebSocket Socket)> Open(string? cookie, string? site, string? origin)
    {
        var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        foreach (var (name, value) in new[] { ("Cookie", cookie), ("Sec-Fetch-Site", site), ("Origin", origin) })
        {
            if (value is not null)
            {
                socket.Options.SetRequestHeader(name, value);
            }
        }

        try
        {
            await socket.ConnectAsync(new UriBuilder(shared.Server.Url) { Scheme = "ws", Path = "/_blazor" }.Uri, CancellationToken.None).WaitAsync(Waiting.Limit);
        }
        catch (WebSocketException)
        {
            // The status says why.
        }

        return (socket.HttpStatusCode, socket);
    }
}
