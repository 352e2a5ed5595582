using NannyOrleans.Api.Dashboard.Live;
using NannyOrleans.Domain.Access;

namespace NannyOrleans.Api.Dashboard.Calls;

/// <summary>What a page knows of the world: the REST API, as whoever has the page open.</summary>
public interface IDashboardClient
{
    /// <summary>Reads something.</summary>
    /// <param name="path">The path with its query.</param>
    Task<ApiAnswer> Get(string path);

    /// <summary>Has something done.</summary>
    /// <param name="method">POST, PUT, PATCH or DELETE.</param>
    /// <param name="path">The path with its query.</param>
    /// <param name="body">What is sent, as JSON with fields in snake case; null for nothing.</param>
    Task<ApiAnswer> Send(HttpMethod method, string path, object? body = null);

    /// <summary>What whoever has the page open may do, as it was a moment ago.</summary>
    Task<Rights> ReadRights();

    /// <summary>
    /// Whether some of what was answered came along with the page: then it is as old as the page, and what has changed until the page listened was no news.
    /// </summary>
    bool CameAlong { get; }

    /// <summary>Whether news comes, and since when that is so: without it what is shown may be old.</summary>
    FeedHealth Health { get; }

    /// <summary>Tells of news. Also when some may have been missed.</summary>
    /// <param name="topics">What to listen to.</param>
    /// <param name="news">Called for each; on any thread, so that it must be quick.</param>
    /// <returns>Ends it.</returns>
    IDisposable Listen(IReadOnlyList<Topic> topics, Action news);
}
