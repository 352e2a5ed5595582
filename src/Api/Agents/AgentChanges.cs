using System.Text.Json;
using NannyOrleans.Api.Audit;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Api.Agents;

/// <summary>What <c>PATCH /api/agents/{id}</c> takes. A field that is absent stays as it is; null takes back what was said.</summary>
internal sealed record AgentChanges : IAudited
{
    /// <summary>The most tags.</summary>
    public const int MaxTags = 64;

    /// <summary>The longest tag, in characters.</summary>
    public const int MaxTag = 128;

    /// <summary>The longest notes, in characters.</summary>
    public const int MaxNotes = 10_000;

    /// <summary>The family a guest or machine is patched as: a text.</summary>
    public JsonElement PlatformFamily { get; init; }

    /// <summary>Tags beside Proxmox VE's: a list of texts.</summary>
    public JsonElement Tags { get; init; }

    /// <summary>Notes: a text.</summary>
    public JsonElement Notes { get; init; }

    /// <summary>The agent inside a VM, by its id or name: a text.</summary>
    public JsonElement VmAgent { get; init; }

    /// <summary>Whether a VM may be patched through its QEMU guest agent: true or false.</summary>
    public JsonElement AgentlessVm { get; init; }

    /// <summary>The change this is, with the agent as it was typed, or what is wrong with each field.</summary>
    public (AnnotationChange? Change, string? Agent, IReadOnlyDictionary<string, string[]> Errors) Read()
    {
        var errors = new Dictionary<string, string[]>();
        var families = string.Join(", ", Enum.GetValues<PlatformFamily>().Where(family => family is not Domain.Guests.PlatformFamily.Unknown).Select(PlatformFamilies.Spell));
        Change<PlatformFamily?>? family = PlatformFamily.ValueKind switch
        {
            JsonValueKind.Undefined => null,
            JsonValueKind.Null => new(null),
            JsonValueKind.String when Text(PlatformFamily) is { } name && PlatformFamilies.Named(name) is { } named => new(named),
            _ => Wrong<Change<PlatformFamily?>>("platform_family", $"It must be one of {families}, or null."),
        };
        Change<IReadOnlyList<string>?>? tags = Tags.ValueKind switch
        {
            JsonValueKind.Undefined => null,
            JsonValueKind.Null => new(null),
            JsonValueKind.Array when Tags.GetArrayLength() <= MaxTags && Tags.EnumerateArray().All(IsTag) => new([.. Tags.EnumerateArray().Select(tag => tag.GetString()!)]),
            _ => Wrong<Change<IReadOnlyList<string>?>>("tags", $"It must be null or a list of {MaxTags} tags at most, each of lower-case letters, digits and _ - + . , at most {MaxTag} long, as in Proxmox VE."),
        };
        Change<string?>? notes = Notes.ValueKind switch
        {
            JsonValueKind.Undefined => null,
            JsonValueKind.Null => new(null),
            JsonValueKind.String when Text(Notes) is { Length: <= MaxNotes } text => new(text),
            _ => Wrong<Change<string?>>("notes", $"It must be a text of {MaxNotes} characters at most, or null."),
        };
        (string? Agent, Change<AgentId?>? Unlinked) inside = VmAgent.ValueKind switch
        {
            JsonValueKind.Undefined => (null, null),
            JsonValueKind.Null => (null, new(null)),
            JsonValueKind.String when Text(VmAgent) is { Length: > 0 and <= 300 } text => (text, null),
            _ => (null, Wrong<Change<AgentId?>>("vm_agent", "It must be the id or name of a standalone agent, or null.")),
        };
        Change<bool?>? agentless = AgentlessVm.ValueKind switch
        {
            JsonValueKind.Undefined => null,
            JsonValueKind.Null => new(null),
            JsonValueKind.True or JsonValueKind.False => new(AgentlessVm.GetBoolean()),
            _ => Wrong<Change<bool?>>("agentless_vm", "It must be true, false or null."),
        };
        if (errors.Count is 0 && (family, tags, notes, inside.Agent, inside.Unlinked, agentless) is (null, null, null, null, null, null))
        {
            errors["body"] = ["It changes nothing; it can have platform_family, tags, notes, vm_agent and agentless_vm."];
        }

        return errors.Count is 0 ? (new(family, tags, notes, inside.Unlinked) { AgentlessVm = agentless }, inside.Agent, errors) : (null, null, errors);

        T? Wrong<T>(string field, string what)
            where T : class
        {
            errors[field] = [what];
            return null;
        }
    }

    // Half of a surrogate pair can be written in JSON and is no text.
    private static string? Text(JsonElement json)
    {
        try
        {
            return json.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static bool IsTag(JsonElement tag) => tag.ValueKind is JsonValueKind.String && Text(tag) is { Length: > 0 and <= MaxTag } text
        && (char.IsAsciiLetterLower(text[0]) || char.IsAsciiDigit(text[0]) || text[0] is '_')
        && text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '_' or '-' or '+' or '.');
}
