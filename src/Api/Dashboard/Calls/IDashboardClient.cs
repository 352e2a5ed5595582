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
}
