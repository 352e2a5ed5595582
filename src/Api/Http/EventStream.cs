namespace NannyOrleans.Api.Http;

/// <summary>Server-sent events (WHATWG HTML, section 9.2), each flushed at once.</summary>
internal sealed class EventStream
{
    private readonly HttpContext http;

    /// <summary>Begins the answer.</summary>
    public EventStream(HttpContext http)
    {
        this.http = http;
        http.Response.ContentType = "text/event-stream";
        http.Response.Headers.CacheControl = "no-store";
        http.Response.Headers["X-Accel-Buffering"] = "no"; // a proxy that collects answers would show nothing until the end
    }

    /// <summary>Sends an event.</summary>
    /// <param name="id">Where a client that comes back goes on from.</param>
    /// <param name="name">Its name.</param>
    /// <param name="json">Its data, on one line.</param>
    public Task Send(string id, string name, string json) => Write($"id: {id}\nevent: {name}\ndata: {json}\n\n");

    /// <summary>Says something that is no event, or a proxy takes the connection for dead.</summary>
    public Task Say(string comment) => Write($": {comment}\n\n");

    private async Task Write(string text)
    {
        await http.Response.WriteAsync(text, http.RequestAborted);
        await http.Response.Body.FlushAsync(http.RequestAborted);
    }
}
