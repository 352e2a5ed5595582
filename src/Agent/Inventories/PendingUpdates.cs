using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Agent.Inventories;

/// <summary>
/// How many updates a Proxmox VE host has pending. Proxmox VE keeps the list in a file, which holds until apt's cache or dpkg's status is newer; then,
/// and only then, <c>pvesh</c> is asked, which writes the file anew. Not for use from two places at once.
/// </summary>
internal sealed class PendingUpdates(Host host, PveCalls calls, TimeProvider clock)
{
    private readonly FileBytes file = new();
    private Known? known;

    /// <summary>The count, or why it is not known.</summary>
    public async Task<(int? Count, string? Problem)> Read(NodeName node, CancellationToken cancellationToken)
    {
        var now = new Stamps(ChangedAt("/var/lib/pve-manager/pkgupdates"), ChangedAt("/var/cache/apt/pkgcache.bin"), ChangedAt("/var/lib/dpkg/status"));
        if (known is { } last && last.Of == now && (last.Count is not null || clock.GetElapsedTime(last.At) < RetryAfter))
        {
            return (last.Count, last.Problem);
        }

        // Proxmox VE's own rule for its file (PVE::API2::APT).
        if (now.List is { } list && now.Cache <= list && now.Dpkg <= list
            && file.Read(host.At("/var/lib/pve-manager/pkgupdates")) is 0 && AptUpdates.Count(file.Content) is { } kept)
        {
            return Remember(now, kept, null);
        }

        string[] arguments = ["get", $"/nodes/{node}/apt/update", "--output-format", "json"];
        if (await calls.Run("pvesh", arguments, Limit, OutputLimit, cancellationToken) is not { } end)
        {
            return (null, "pending updates have not been asked for yet: other commands came first in this round");
        }

        return (end.Problem, AptUpdates.Count(System.Text.Encoding.UTF8.GetBytes(end.Output))) switch
        {
            ({ } problem, _) => Remember(now, null, problem),
            (_, null) => Remember(now, null, "pvesh's list of pending updates cannot be understood"),
            (_, var count) => Remember(now, count, null),
        };
    }

    private (int? Count, string? Problem) Remember(Stamps of, int? count, string? problem)
    {
        known = new(of, count, problem is null ? null : PlainText.Of(problem), clock.GetTimestamp());
        return (count, known.Problem);
    }

    private DateTime? ChangedAt(string path)
    {
        var full = host.At(path);
        return File.Exists(full) ? File.GetLastWriteTimeUtc(full) : null;
    }

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromHours(1);
    private const int OutputLimit = 8 * 1024 * 1024;

    private sealed record Stamps(DateTime? List, DateTime? Cache, DateTime? Dpkg);

    private sealed record Known(Stamps Of, int? Count, string? Problem, long At);
}
