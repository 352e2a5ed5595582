using System.Text.Json.Serialization;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Domain.Guests;

/// <summary>What a person has said of a guest, host or machine. It outlives rediscovery, migration and restarts; null means nothing was said.</summary>
public sealed record Annotation
{
    /// <summary>The family it is to be patched as, whatever its files say.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public PlatformFamily? PlatformFamily { get; init; }

    /// <summary>Tags beside those Proxmox VE has for it, sorted.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? Tags { get; init; }

    /// <summary>Whatever a person wants to remember.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Notes { get; init; }

    /// <summary>The agent inside a VM, where the SMBIOS uuid does not say it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public AgentId? Agent { get; init; }

    /// <summary>Whether a person has allowed a VM to be patched through its QEMU guest agent.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public bool? AgentlessVm { get; init; }

    /// <summary>Whether nothing is said.</summary>
    [JsonIgnore]
    public bool IsEmpty => this is { PlatformFamily: null, Tags: null, Notes: null, Agent: null, AgentlessVm: null };
}

/// <summary>Changes an annotation: what is not set stays, what is set to null is taken back.</summary>
/// <param name="PlatformFamily">The new family; null leaves it.</param>
/// <param name="Tags">The new tags; null leaves them.</param>
/// <param name="Notes">The new notes; null leaves them.</param>
/// <param name="Agent">The new agent; null leaves it.</param>
public sealed record AnnotationChange(
    Change<PlatformFamily?>? PlatformFamily, Change<IReadOnlyList<string>?>? Tags, Change<string?>? Notes, Change<AgentId?>? Agent)
{
    /// <summary>Whether a VM may be patched through its QEMU guest agent; null leaves it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Change<bool?>? AgentlessVm { get; init; }

    /// <summary>The annotation after the change; null when nothing is said any more.</summary>
    public Annotation? Apply(Annotation? before)
    {
        before ??= new();
        var after = before with
        {
            PlatformFamily = PlatformFamily is { } family ? family.To : before.PlatformFamily,
            Tags = Tags is { } tags ? (tags.To is { Count: > 0 } some ? [.. some.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)] : null) : before.Tags,
            Notes = Notes is { } notes ? (notes.To is { Length: > 0 } text ? text : null) : before.Notes,
            Agent = Agent is { } agent ? agent.To : before.Agent,
            AgentlessVm = AgentlessVm is { } allowed ? (allowed.To is true ? true : null) : before.AgentlessVm, // off is what it is without a word
        };
        return after.IsEmpty ? null : after;
    }
}

/// <summary>A new value, which may be null: unlike null itself, which is no change.</summary>
/// <typeparam name="T">What is changed.</typeparam>
/// <param name="To">The new value.</param>
public sealed record Change<T>(T To);
