namespace NannyOrleans.Api.Dashboard.Calls;

/// <summary>What a page listens to: news of one kind, of everything or about one thing.</summary>
/// <param name="Kind">One of the kinds below.</param>
/// <param name="About">An id: a cluster's, an operation's; null: all of the kind.</param>
public readonly record struct Topic(string Kind, string? About = null)
{
    /// <summary>Clusters with their nodes and guests: what hosts reported, what people said of them, what patches found. About: a cluster's id.</summary>
    public const string Cluster = "cluster";

    /// <summary>Samples of hosts: bars and charts. About: a cluster's id.</summary>
    public const string Metrics = "metrics";

    /// <summary>Operations' states. About: an operation's id, or a cluster's.</summary>
    public const string Operation = "operation";

    /// <summary>What an operation prints. About: its id.</summary>
    public const string Output = "output";

    /// <summary>Campaigns. About: a cluster's id.</summary>
    public const string Campaign = "campaign";

    /// <summary>Exceptions to patching.</summary>
    public const string Exceptions = "exceptions";

    /// <summary>People's own scripts.</summary>
    public const string Scripts = "scripts";

    /// <summary>People, their roles and tokens.</summary>
    public const string People = "people";
}
