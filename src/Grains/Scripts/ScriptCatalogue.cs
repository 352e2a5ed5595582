using System.Collections.Frozen;
using System.Reflection;
using System.Security.Cryptography;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Grains.Scripts;

/// <summary>The patch scripts of this release. They are part of the program; nothing adds to them at run time.</summary>
public static class ScriptCatalogue
{
    /// <summary>What stands before each family's own part: together they are one script.</summary>
    private const string Common = "common.sh";

    private static readonly FrozenDictionary<string, Script> Scripts = Load();

    /// <summary>A script by its file name; null when there is none of that name.</summary>
    public static Script? Find(string name) => Scripts.GetValueOrDefault(name);

    /// <summary>All scripts, by name.</summary>
    public static IReadOnlyList<Script> All { get; } = [.. Scripts.Values.OrderBy(script => script.Reference.Name, StringComparer.Ordinal)];

    private static FrozenDictionary<string, Script> Load()
    {
        var assembly = Assembly.GetExecutingAssembly();
        var common = Read(Common);
        return assembly.GetManifestResourceNames().Where(name => name.EndsWith("-update.sh", StringComparison.Ordinal)).Select(name =>
        {
            byte[] bytes = [.. common, .. Read(name)];
            return new Script(new(name, Convert.ToHexStringLower(SHA256.HashData(bytes))), bytes);
        }).ToFrozenDictionary(script => script.Reference.Name, StringComparer.Ordinal);

        byte[] Read(string name)
        {
            using var stream = assembly.GetManifestResourceStream(name)!;
            using var content = new MemoryStream();
            stream.CopyTo(content);
            return content.ToArray();
        }
    }
}

/// <summary>A catalogue script.</summary>
/// <param name="Reference">Its name and hash.</param>
/// <param name="Content">Its bytes.</param>
public sealed record Script(ScriptReference Reference, ReadOnlyMemory<byte> Content);
