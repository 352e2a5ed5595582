using NannyOrleans.Grains.Scripts;

namespace NannyOrleans.Api.Scripts;

/// <summary>Writes the catalogue's scripts as agents get them, for whoever signs a release.</summary>
internal static class ScriptExport
{
    /// <summary>The verb on the command line.</summary>
    public const string Verb = "export-scripts";

    /// <summary>Writes each script into a directory that is there, under its name.</summary>
    public static int Write(string directory)
    {
        foreach (var script in ScriptCatalogue.All)
        {
            File.WriteAllBytes(Path.Combine(directory, script.Reference.Name), script.Content.Span);
        }

        return 0;
    }
}
