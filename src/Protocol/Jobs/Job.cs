using System.Text.Json.Serialization;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Protocol.Jobs;

/// <summary>Work for one agent. Its id makes sending it twice harmless: an agent starts a job at most once.</summary>
/// <param name="Id">The job, and the operation it carries out.</param>
/// <param name="TimeoutSeconds">How long it may run once started, 1 to 86400; after that it is ended and has failed.</param>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "kind")]
[JsonDerivedType(typeof(PatchGuest), "patch-guest")]
public abstract record Job(JobId Id, int TimeoutSeconds);

/// <summary>Lists or installs a container's pending updates with a catalogue script, by one <c>pct exec</c>.</summary>
/// <param name="Id">The job.</param>
/// <param name="TimeoutSeconds">How long it may run once started, 1 to 86400.</param>
/// <param name="Vmid">The container; it must be on the agent's own node.</param>
/// <param name="Mode">List the updates, or install them.</param>
/// <param name="Exclusions">Packages to leave as they are: valid <see cref="PackagePattern"/>s.</param>
/// <param name="Script">The script to run. A content with another hash is refused before anything runs.</param>
public sealed record PatchGuest(
    JobId Id,
    int TimeoutSeconds,
    Vmid Vmid,
    PatchMode Mode,
    IReadOnlyList<string> Exclusions,
    ScriptReference Script) : Job(Id, TimeoutSeconds);

/// <summary>What a patch job does.</summary>
[JsonConverter(typeof(WireEnumConverter<PatchMode>))]
public enum PatchMode
{
    /// <summary>Lists what would be upgraded and changes nothing.</summary>
    [JsonStringEnumMemberName("dry-run")]
    DryRun,

    /// <summary>Installs the pending updates.</summary>
    [JsonStringEnumMemberName("apply")]
    Apply,
}

/// <summary>A catalogue script, by name and content.</summary>
/// <param name="Name">Its file name, such as <c>apt-update.sh</c>; served at <c>/api/scripts/{name}/content</c>.</param>
/// <param name="Sha256">The SHA-256 of its bytes, 64 lower-case hex digits.</param>
public sealed record ScriptReference(string Name, string Sha256);
