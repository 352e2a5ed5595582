using NannyOrleans.Api.Http;
using OpenIddict.Abstractions;

namespace NannyOrleans.Api.Dashboard;

/// <summary>
/// How many pages each person has open in this process. An open page is memory for as long as its connection holds, and whoever has an account, or a
/// script that has his cookie, could open pages until none is left for agents.
/// </summary>
internal sealed class OpenPages
{
    /// <summary>The most of one person: more tabs than anybody has.</summary>
    public const int Most = 100;

    private readonly Dictionary<string, int> open = new(StringComparer.Ordinal);

    /// <summary>Counts one more, unless the person has as many as may be.</summary>
    public bool Enter(string person)
    {
        lock (open)
        {
            var now = open.GetValueOrDefault(person);
            if (now >= Most)
            {
                return false;
            }

            open[person] = now + 1;
            return true;
        }
    }

    /// <summary>One that was counted is closed.</summary>
    public void Leave(string person)
    {
        lock (open)
        {
            if (--open[person] is 0)
            {
                open.Remove(person);
            }
        }
    }

    /// <summary>
    /// Lets a page connect, and counts it until that ends. By a WebSocket alone: any other way its memory outlives the request that opened it. Not where
    /// the framework tells of pages: it does so once a page is drawn, which who wants memory alone leaves out.
    /// </summary>
    /// <exception cref="TooManyRequestsException">The person has as many open as may be.</exception>
    public async Task LetIn(HttpContext http, RequestDelegate next)
    {
        if (!http.WebSockets.IsWebSocketRequest)
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        var person = http.User.GetClaim(OpenIddictConstants.Claims.Subject) ?? string.Empty;
        if (!Enter(person))
        {
            throw new TooManyRequestsException($"One person has {Most} pages open: no more is connected until one is closed.", TimeSpan.FromMinutes(1));
        }

        try
        {
            await next(http);
        }
        finally
        {
            Leave(person);
        }
    }
}
