using NannyOrleans.Domain.Targets;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Domain.Guests;

/// <summary>Where a patch job goes and what it runs.</summary>
/// <param name="Node">The node whose agent runs it: the guest's present parent, or the target itself.</param>
/// <param name="Vmid">The guest; null when the target is the node itself.</param>
/// <param name="Name">The target's name.</param>
/// <param name="Family">The family it was taken for.</param>
/// <param name="Script">The catalogue script of that family; null: there is none, only an administrator may have added one.</param>
public sealed record PatchRoute(NodeName Node, Vmid? Vmid, string Name, PlatformFamily Family, string? Script)
{
    /// <summary>The distribution, as os-release's <c>ID</c> has it; null when it is not known.</summary>
    public string? OsId { get; init; }

    /// <summary>The guest's kind; it matters only where there is a guest.</summary>
    public GuestType Type { get; init; }

    /// <summary>The distribution's version, as os-release's <c>VERSION_ID</c> has it; null when it is not known.</summary>
    public string? OsVersion { get; init; }

    /// <summary>The node's agent where the target is the node itself; null for a guest.</summary>
    public AgentId? Agent { get; init; }
}

/// <summary>Says how a target is patched.</summary>
public static class PatchRoutes
{
    /// <summary>The family whose script patches a Proxmox VE host: it is a Debian, whatever it is called.</summary>
    public const PlatformFamily HostFamily = PlatformFamily.Debian;

    /// <summary>Where the patch job of a host, machine or guest goes, or why there can be none.</summary>
    public static Outcome<PatchRoute> Of(Target target)
    {
        if (target.Guest is { } guest)
        {
            return GuestMachine.Route(target.Node.Name, guest);
        }

        if (target.Node.Agent is not { } agent)
        {
            return NoAgent(target);
        }

        var family = target.Machine?.PlatformFamily ?? HostFamily;
        var name = target.Node.Hostname ?? target.Node.Name.Value;
        var os = target.Node.Host?.Os;
        return family is PlatformFamily.Unknown && string.IsNullOrEmpty(os?.Id)
            ? new Refusal("unknown-family", $"The distribution of {name} is not known.")
            : new PatchRoute(target.Node.Name, null, name, family, PlatformFamilies.ScriptOf(family)) { Agent = agent, OsId = os?.Id, OsVersion = os?.VersionId };
    }

    /// <summary>Why nothing can be asked of a node without an agent.</summary>
    public static Refusal NoAgent(Target target) => new("no-agent", $"No agent is registered for {target.Node.Name}.");

    /// <summary>Why a target can't be patched whose family or distribution has no script, neither in this release nor of an administrator's.</summary>
    public static Refusal NoScript(PatchRoute route) => new(
        "unknown-family",
        $"{route.Name} is of the distribution '{route.OsId}', which belongs to no family that this release has a patch script for. An administrator can add one with "
        + $"POST /api/scripts and \"os_id\": \"{route.OsId}\"; its host runs it if its agent's configuration says custom_scripts: true.");
}
