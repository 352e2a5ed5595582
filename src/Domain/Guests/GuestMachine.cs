using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Guests;

/// <summary>The decisions about one guest.</summary>
public static class GuestMachine
{
    /// <summary>What speaks against patching a VM from outside.</summary>
    public const string AgentlessVmWarning =
        "Patching a VM from outside is not recommended: there is no shell as in a container, and there are risks of corruption or state inconsistency. Install the agent inside the VM and patch it like any other machine.";

    /// <summary>Says which family's script patches the guest and which node runs it, or why it can't be patched from outside.</summary>
    /// <param name="node">The node it is on.</param>
    /// <param name="guest">The guest as it is known.</param>
    public static Outcome<PatchRoute> Route(NodeName node, GuestView guest) => guest switch
    {
        { DeletedAt: not null } => Deleted(guest)!,
        { Template: true } => Template(guest)!,
        { Type: GuestType.Qemu, AgentlessVm: false } => new Refusal("requires-agent", $"VM {guest.Vmid} is not patched through its QEMU guest agent unless that is allowed for it (agentless_vm). {AgentlessVmWarning}"),
        { Type: GuestType.Qemu, Seen.QemuAgent: false } => new Refusal(
            "no-guest-agent", $"The QEMU guest agent of VM {guest.Vmid} is not switched on in its configuration, so it can't be patched through it."),
        { PlatformFamily: PlatformFamily.Unknown, Seen.Os: not { Id.Length: > 0 } } => new Refusal(
            "unknown-family", $"The distribution of {Called(guest)} is not known{(guest.Problem is { } why ? $" ({why})" : string.Empty)}."),
        _ => new PatchRoute(node, guest.Vmid, guest.Name, guest.PlatformFamily, PlatformFamilies.ScriptOf(guest.PlatformFamily))
        {
            Type = guest.Type,
            OsId = guest.Seen.Os?.Id,
            OsVersion = guest.Seen.Os?.VersionId,
        },
    };

    /// <summary>Why nothing can be done with a guest that was deleted; null when it was not.</summary>
    public static Refusal? Deleted(GuestView guest) => guest.DeletedAt is { } at ? new("deleted", $"Guest {guest.Vmid} was deleted; it was last missed at {at:u}.") : null;

    /// <summary>Why nothing is run in a template; null when it is none.</summary>
    public static Refusal? Template(GuestView guest) => guest.Template ? new("template", $"{Called(guest)} is a template; templates are never patched or started.") : null;

    /// <summary>Takes what a finished operation found. An operation older than the one known changes nothing.</summary>
    public static GuestState RecordPatch(GuestState guest, OperationRecord operation) =>
        (Found(operation) ?? AfterRestart(guest.Patches, operation)) is { } patches && patches.IsNewerThan(guest.Patches) ? guest with { Patches = patches } : guest;

    // That a restart was needed is old once there was one, or may have been one; that it is needed no more has nobody seen.
    private static PatchState? AfterRestart(PatchState? known, OperationRecord operation) =>
        operation is { Kind: OperationKind.Reboot, CompletedAt: not null, StartedAt: not null } && known is { RebootRequired: true }
            && string.CompareOrdinal(known.Operation.Value, operation.Id.Value) < 0
            ? known with { RebootRequired = null, RestartedBy = operation.Id }
            : null;

    /// <summary>What a patch found of its guest's updates; null while it has not ended.</summary>
    public static PatchState? Found(OperationRecord operation)
    {
        // One that was cancelled before it started has looked at nothing, so what was known stands.
        if (operation is not { Kind: OperationKind.Patch, CompletedAt: { } at } || operation is { Status: OperationStatus.Cancelled, StartedAt: null })
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

    private static string Called(GuestView guest) => $"{(guest.Type is GuestType.Lxc ? "CT" : "VM")} {guest.Vmid}";
}
