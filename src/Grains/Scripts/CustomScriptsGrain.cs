using NannyOrleans.Domain;
using NannyOrleans.Domain.Scripts;
using NannyOrleans.Grains.Changes;

namespace NannyOrleans.Grains.Scripts;

[GrainType("custom-scripts")]
internal sealed class CustomScriptsGrain([PersistentState("scripts")] IPersistentState<CustomScriptsState> stored, ScriptKeys keys, Announcer changes) : Grain, ICustomScriptsGrain
{
    // Where the server's key was replaced. What neither it nor an earlier one has signed stays as it is, and agents refuse it.
    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        CustomScript[] renewed = [.. stored.State.Scripts.Select(one => one with { Script = keys.Renew(one.Script) })];
        if (!renewed.SequenceEqual(stored.State.Scripts))
        {
            await Store(renewed);
        }
    }

    public async Task<Outcome<CustomScript>> Add(CustomScript added, string content)
    {
        var next = CustomScripts.Add(stored.State.Scripts, added);
        if (next.IsRefused)
        {
            return next.Refusal;
        }

        // The content first: a script that is listed can be fetched.
        await Content(added).Put(content);
        await Store(next.Value);
        return next.Value.First(one => one.Script.Name == added.Script.Name);
    }

    public async Task<CustomScript?> Remove(string name)
    {
        if (stored.State.Scripts.FirstOrDefault(one => one.Script.Name == name) is not { } gone)
        {
            return null;
        }

        await Store(CustomScripts.Remove(stored.State.Scripts, name));
        if (stored.State.Scripts.All(one => one.Script.Sha256 != gone.Script.Sha256))
        {
            await Content(gone).Drop();
        }

        return gone;
    }

    public Task<IReadOnlyList<CustomScript>> All() => Task.FromResult(stored.State.Scripts);

    private Task Store(IReadOnlyList<CustomScript> next) => ReferenceEquals(next, stored.State.Scripts)
        ? Task.CompletedTask
        : stored.Replace(new CustomScriptsState { Scripts = next }, this, changes, new(ChangeKind.Scripts));

    private IScriptContentGrain Content(CustomScript script) => GrainFactory.GetGrain<IScriptContentGrain>(script.Script.Sha256);
}

[GrainType("script-content")]
internal sealed class ScriptContentGrain([PersistentState("content")] IPersistentState<ScriptContentState> stored) : Grain, IScriptContentGrain
{
    public Task Put(string content) => stored.State.Content == content
        ? Task.CompletedTask
        : stored.Replace(new ScriptContentState { Content = content }, this);

    public Task Drop() => stored.ClearStateAsync();

    public Task<string?> Get() => Task.FromResult(stored.State.Content);
}

/// <summary>What is stored of the custom scripts.</summary>
public sealed record CustomScriptsState
{
    /// <summary>All there are, the oldest first.</summary>
    public IReadOnlyList<CustomScript> Scripts { get; init; } = [];
}

/// <summary>What is stored of one script's content.</summary>
public sealed record ScriptContentState
{
    /// <summary>The content; null when it was dropped.</summary>
    public string? Content { get; init; }
}
