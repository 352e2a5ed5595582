using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Nodes;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Operations;

/// <summary>What a person asks for.</summary>
/// <param name="Mode">List or install.</param>
/// <param name="Exclusions">Valid <see cref="PackagePattern"/>s.</param>
/// <param name="RequestedBy">Who asks.</param>
public sealed record PatchOrder(PatchMode Mode, IReadOnlyList<string> Exclusions, string RequestedBy)
{
    /// <summary>How long one guest's patching may take. An hour is far beyond a slow mirror and short of a lost night.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromHours(1);

    /// <summary>The operation and its job, ready to be queued at the guest's node.</summary>
    public OutboxEntry At(JobId id, ClusterId cluster, PatchRoute route, ScriptReference script, DateTimeOffset now) => new(
        new PatchGuest(id, (int)Timeout.TotalSeconds, route.Vmid, Mode, Exclusions, script),
        new()
        {
            Id = id,
            Cluster = cluster,
            Vmid = route.Vmid,
            Name = route.Name,
            Node = route.Node,
            Family = route.Family,
            Mode = Mode,
            Exclusions = Exclusions,
            Script = script,
            RequestedBy = RequestedBy,
            CreatedAt = now,
        },
        LastOutcome: null,
        Agent: null);
}
