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

    /// <summary>Reads one or several, parted by commas or spaces: servers of one installation, each as good as the others.</summary>
    /// <returns>What is wrong with them; null when nothing is.</returns>
    public static string? ParseAll(string text, out IReadOnlyList<Uri> urls)
    {
        var found = new List<Uri>();
        urls = found;
        var words = text.Split([',', ' ', '\t', '\r', '\n'], StringSplitOptions.RemoveEmptyEntries);
        foreach (var word in words.Length is 0 ? [text] : words)
        {
            if (Parse(word, out var url) is { } wrong)
            {
                return wrong;
            }

            if (IsAmong(url!, found))
            {
                return $"'{PlainText.Of(word, 200)}' is there twice";
            }

            found.Add(url!);
        }

        return null;
    }

    /// <summary>Servers as <see cref="ParseAll"/> reads them.</summary>
    public static string Text(IReadOnlyList<Uri> urls, string between = ",") => string.Join(between, urls.Select(static url => url.AbsoluteUri));

    /// <summary>Whether a server is one of these.</summary>
    public static bool IsAmong(Uri url, IReadOnlyList<Uri> urls)
    {
        foreach (var one in urls)
        {
            if (IsSame(one, url))
            {
                return true;
            }
        }

        return false;
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
