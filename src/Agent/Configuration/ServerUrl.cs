namespace NannyOrleans.Agent.Configuration;

/// <summary>The server's URL, as a person types it in the configuration or on the command line.</summary>
internal static class ServerUrl
{
    /// <summary>Reads it. A path is kept (a server behind a prefix), a trailing slash dropped.</summary>
    /// <returns>What is wrong with it; null when nothing is.</returns>
    public static string? Parse(string text, out Uri? url)
    {
        var valid = Uri.TryCreate(text.Trim(), UriKind.Absolute, out url)
            && url.Scheme is "http" or "https"
            && url is { Host.Length: > 0, Query.Length: 0, Fragment.Length: 0, UserInfo.Length: 0 };
        if (valid)
        {
            url = new Uri(url!.AbsoluteUri.TrimEnd('/'));
            return null;
        }

        url = null;
        return $"'{PlainText.Of(text, 200)}' is not an absolute http:// or https:// URL without query and user name";
    }

    /// <summary>An address on the server; <paramref name="path"/> starts with a slash.</summary>
    public static Uri At(this Uri server, string path) => new(server.AbsoluteUri.TrimEnd('/') + path);

    /// <summary>Whether two mean the same server.</summary>
    public static bool IsSame(Uri one, Uri other) => one.AbsoluteUri.TrimEnd('/') == other.AbsoluteUri.TrimEnd('/');

    /// <summary>What to warn of; null when nothing.</summary>
    public static string? Warning(Uri url) => url.Scheme is "http" && !url.IsLoopback
        ? $"WARNING: {url.AbsoluteUri} is not encrypted. Whoever can read or change the traffic to it can take this host's token, and with it run scripts as root in its containers. Use https://."
        : null;
}
