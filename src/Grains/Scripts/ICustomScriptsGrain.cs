using NannyOrleans.Domain;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Scripts;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Grains.Scripts;

/// <summary>All custom scripts without their contents. There is one, key 0.</summary>
[GrainInterfaceType("custom-scripts")]
public interface ICustomScriptsGrain : IGrainWithIntegerKey
{
    /// <summary>Adds one; stored with its content when this returns.</summary>
    [Alias("Add")]
    Task<Outcome<CustomScript>> Add(CustomScript added, string content);

    /// <summary>Removes one; stored when this returns.</summary>
    /// <returns>The script as it was; null when there is none of this name.</returns>
    [Alias("Remove")]
    Task<CustomScript?> Remove(string name);

    /// <summary>All there are, the oldest first.</summary>
    [Alias("All")]
    Task<IReadOnlyList<CustomScript>> All();
}

/// <summary>The content of a custom script; key: its SHA-256.</summary>
[GrainInterfaceType("script-content")]
public interface IScriptContentGrain : IGrainWithStringKey
{
    /// <summary>Stores it.</summary>
    [Alias("Put")]
    Task Put(string content);

    /// <summary>Drops it.</summary>
    [Alias("Drop")]
    Task Drop();

    /// <summary>The content; null when there is none.</summary>
    [Alias("Get")]
    Task<string?> Get();
}

/// <summary>Which script a target gets.</summary>
public static class ScriptSelection
{
    /// <summary>The signed script for a target: a custom one of exactly its version, else of its family or distribution, else the catalogue's; or why there is none.</summary>
    /// <param name="grains">The control plane.</param>
    /// <param name="keys">Sign the catalogue.</param>
    /// <param name="route">The target.</param>
    public static async Task<Outcome<ScriptReference>> SelectScript(this IGrainFactory grains, ScriptKeys keys, PatchRoute route)
    {
        var known = await grains.GetGrain<ICustomScriptsGrain>(0).All();
        if (CustomScripts.Unclear(known, route.Family, route.OsId, route.Name) is { } unclear)
        {
            return unclear;
        }

        return (CustomScripts.For(known, route.Family, route.OsId, route.OsVersion)?.Script, route.Script) switch
        {
            ({ } custom, _) => custom,
            (null, null) => PatchRoutes.NoScript(route),
            (null, { } name) => keys.Sign((ScriptCatalogue.Find(name) ?? throw new InvalidOperationException($"The release lacks {name}.")).Reference, ScriptSigner.Catalogue),
        };
    }
}
