namespace NannyOrleans.Api.Dashboard.Pages.Agents;

/// <summary>Which agents somebody wants to see, as the page's address has it.</summary>
/// <param name="Text">Part of a name, a cluster or an address.</param>
/// <param name="Status">online, offline or maintenance.</param>
/// <param name="Kind">host or machine.</param>
/// <param name="Version">An agent's version; <see cref="Others"/>: any but the server's.</param>
internal sealed record AgentQuestion(string? Text, string? Status, string? Kind, string? Version)
{
    /// <summary>Versions that are not the server's, and what is not known to be it.</summary>
    public const string Others = "other";

    /// <summary>Whether it leaves anything out.</summary>
    public bool IsNarrow => new[] { Text, Status, Kind, Version }.Any(one => !string.IsNullOrWhiteSpace(one));

    /// <summary>The question as the API takes it.</summary>
    /// <param name="serverVersion">The server's own version.</param>
    public string Filter(string? serverVersion)
    {
        // Guests have no agent of their own.
        var all = new List<string> { Kind switch { "host" => "proxmox_role=='host'", "machine" => "(proxmox_role=='standalone'||proxmox_role=='vm')", _ => "proxmox_role!='guest'" } };
        if (Text?.Trim() is { Length: > 0 } text)
        {
            var part = Quote(text, 60);
            all.Add($"(hostname~{part}||proxmox_cluster~{part}||proxmox_node_name~{part}||ip_address~{part}||id=={part})");
        }

        if (Status is { Length: > 0 } status)
        {
            all.Add($"status=={Quote(status)}");
        }

        if (Version is Others)
        {
            all.Add($"agent_version!={Quote(serverVersion ?? string.Empty)}");
        }
        else if (Version is { Length: > 0 } version)
        {
            all.Add($"agent_version=={Quote(version)}");
        }

        return string.Join("&&", all);
    }

    // In the filter's own quotes: a backslash before what would end or change the text. A filter is bounded, so its texts are.
    private static string Quote(string text, int most = 40) => $"'{(text.Length > most ? text[..most] : text).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}'";
}
