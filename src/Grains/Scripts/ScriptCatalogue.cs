using System.Collections.Frozen;
using System.Reflection;
using System.Security.Cryptography;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Grains.Scripts;

/// <summary>The patch scripts of this release. They are part of the program; nothing adds to them at run time.</summary>
public static class ScriptCatalogue
{
    private static readonly FrozenDictionary<string, Script> Scripts = Load();

    /// <summary>A script by its file name; null when there is none of that name.</summary>
    public static Script? Find(string name) => Scripts.GetValueOrDefault(name);

    /// <summary>All scripts, by name.</summary>
    public static IReadOnlyList<Script> All { get; } = [.. Scripts.Values.OrderBy(script => script.Reference.Name, StringComparer.Ordinal)];

    private static FrozenDictionary<string, Script> Load()
    {
        var assembly = Assembly.GetExecutingAssembly();
        return assembly.GetManifestResourceNames().Where(name => name.EndsWith(".sh", StringComparison.Ordinal)).Select(name =>
        {
            using var stream = assembly.GetManifestResourceStream(name)!;
            using var content = new MemoryStream();
            stream.CopyTo(content);
            var bytes = content.ToArray();
            return new Script(new(name, Convert.ToHexStringLower(SHA256.HashData(bytes))), bytes);
        }).ToFrozenDictionary(script => script.Reference.Name, StringComparer.Ordinal);
    }
}

/// <summary>A catalogue script.</summary>
/// <param name="Reference">Its name and hash.</param>
/// <param name="Content">Its bytes.</param>
public sealed record Script(ScriptReference Reference, ReadOnlyMemory<byte> Content);
