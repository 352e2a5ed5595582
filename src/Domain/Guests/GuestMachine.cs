using NannyOrleans.Domain.Operations;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Guests;

/// <summary>The decisions about one guest.</summary>
public static class GuestMachine
{
    /// <summary>
    /// Takes what a host says of the guest; the host becomes its parent. A host without quorum keeps in its read-only <c>/etc/pve</c> what
    /// has long moved on, so it can't take a guest from another host.
    /// </summary>
    public static GuestState RecordSeen(GuestState guest, NodeName node, GuestSeen seen, bool quorate, DateTimeOffset now) => guest switch
    {
        _ when !quorate && guest.Node is { } parent && parent != node => guest,
        { Seen: { } known } when guest.Node == node && known.SameAs(seen) => guest,
        _ => guest with { Node = node, Seen = seen, SeenAt = now },
    };

    /// <summary>Says which family's script patches the guest and which node runs it, or why it can't be patched.</summary>
    public static Outcome<PatchRoute> Route(GuestState guest)
    {
        if (guest is not { Seen: { } seen, Node: { } node })
        {
            return new Refusal("unknown-guest", "No host has reported this guest.");
        }

        var family = PlatformFamilies.Of(seen.Os, seen.OsType);
        return (seen, family, PlatformFamilies.ScriptOf(family)) switch
        {
            ({ Type: GuestType.Qemu }, _, _) => new Refusal("requires-agent", $"VM {seen.Vmid} is not patched from outside; install the agent inside it."),
            ({ Template: true }, _, _) => new Refusal("template", $"CT {seen.Vmid} is a template; templates are never patched."),
            (_, PlatformFamily.Unknown, _) => new Refusal(
                "unknown-family", $"The distribution of CT {seen.Vmid} is not known{(seen.Problem is { } why ? $" ({why})" : string.Empty)}."),
            (_, _, null) => new Refusal("unsupported-family", $"There is no patch script for the {family.ToString().ToLowerInvariant()} family yet."),
            (_, _, { } script) => new PatchRoute(node, seen.Vmid, seen.Name, family, script),
        };
    }

    /// <summary>Takes what a finished operation found. An operation older than the one known changes nothing.</summary>
    public static GuestState RecordPatch(GuestState guest, OperationRecord operation)
    {
        if (operation.CompletedAt is not { } at || (guest.Patches is { } known && string.CompareOrdinal(known.Operation.Value, operation.Id.Value) > 0))
        {
            return guest;
        }

        // Lists are whole when everything went well, or when packages were left over and are named; any other failure knows nothing.
        var found = operation.Failure is null or { Code: OperationMachine.PackagesFailed } ? operation.Findings : null;
        int? pending = (operation.Mode, found) switch
        {
            (_, null) => null,
            (PatchMode.DryRun, _) => found.Packages.Count + found.Held.Count + found.KeptBack.Count,
            _ => found.Failed.Count + found.Held.Count + found.KeptBack.Count,
        };
        return guest with { Patches = new(operation.Id, at, pending, found?.RebootRequired, operation.Failure) };
    }
}

/// <summary>Where a guest's patch job goes and what it runs.</summary>
/// <param name="Node">The guest's present parent.</param>
/// <param name="Vmid">The guest.</param>
/// <param name="Name">Its name.</param>
/// <param name="Family">The family it was taken for.</param>
/// <param name="Script">The catalogue script of that family.</param>
public sealed record PatchRoute(NodeName Node, Vmid Vmid, string Name, PlatformFamily Family, string Script);
