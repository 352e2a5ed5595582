using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Guests;

/// <summary>The decisions about one guest.</summary>
public static class GuestMachine
{
    /// <summary>Says which family's script patches the guest and which node runs it, or why it can't be patched.</summary>
    /// <param name="node">The node it is on.</param>
    /// <param name="guest">The guest as it is known.</param>
    public static Outcome<PatchRoute> Route(NodeName node, GuestView guest) => (guest, PlatformFamilies.ScriptOf(guest.PlatformFamily)) switch
    {
        ({ DeletedAt: { } at }, _) => new Refusal("deleted", $"Guest {guest.Vmid} was deleted; it was last missed at {at:u}."),
        ({ Type: GuestType.Qemu }, _) => new Refusal("requires-agent", $"VM {guest.Vmid} is not patched from outside; install the agent inside it."),
        ({ Template: true }, _) => new Refusal("template", $"CT {guest.Vmid} is a template; templates are never patched."),
        ({ PlatformFamily: PlatformFamily.Unknown }, _) => new Refusal(
            "unknown-family", $"The distribution of CT {guest.Vmid} is not known{(guest.Problem is { } why ? $" ({why})" : string.Empty)}."),
        (_, null) => new Refusal("unsupported-family", $"There is no patch script for the {guest.PlatformFamily.ToString().ToLowerInvariant()} family yet."),
        (_, { } script) => new PatchRoute(node, guest.Vmid, guest.Name, guest.PlatformFamily, script) { OsVersion = guest.Seen.Os?.VersionId },
    };

    /// <summary>Takes what a finished operation found. An operation older than the one known changes nothing.</summary>
    public static GuestState RecordPatch(GuestState guest, OperationRecord operation) =>
        Found(operation) is { } patches && patches.IsNewerThan(guest.Patches) ? guest with { Patches = patches } : guest;

    /// <summary>What a patch found of its guest's updates; null while it has not ended.</summary>
    public static PatchState? Found(OperationRecord operation)
    {
        if (operation is not { Kind: OperationKind.Patch, CompletedAt: { } at })
        {
            return null;
        }

        // Lists are whole when everything went well, or when packages were left over and are named; any other failure knows nothing.
        var found = operation.Failure is null or { Code: OperationMachine.PackagesFailed } ? operation.Findings : null;
        int? pending = (operation.Mode, found) switch
        {
            (_, null) => null,
            (PatchMode.DryRun, _) => found.Packages.Count + found.Held.Count + found.KeptBack.Count,
            _ => found.Failed.Count + found.Held.Count + found.KeptBack.Count,
        };
        return new(operation.Id, at, pending, found?.RebootRequired, operation.Failure);
    }
}

/// <summary>Where a guest's patch job goes and what it runs.</summary>
/// <param name="Node">The guest's present parent.</param>
/// <param name="Vmid">The guest.</param>
/// <param name="Name">Its name.</param>
/// <param name="Family">The family it was taken for.</param>
/// <param name="Script">The catalogue script of that family.</param>
public sealed record PatchRoute(NodeName Node, Vmid Vmid, string Name, PlatformFamily Family, string Script)
{
    /// <summary>The distribution's version, as os-release's <c>VERSION_ID</c> has it; null when it is not known.</summary>
    public string? OsVersion { get; init; }
}
