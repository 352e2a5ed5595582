namespace NannyOrleans.Lab.Linux;

/// <summary>What is mounted on this machine.</summary>
internal static class Mounts
{
    /// <summary>Mount points at or below <paramref name="directory"/>, the deepest first.</summary>
    public static IReadOnlyList<string> Under(string directory) =>
        Under(directory, File.ReadLines("/proc/self/mountinfo"));

    /// <summary>The same over given lines of mountinfo, whose fifth field is the mount point with octal escapes.</summary>
    internal static IReadOnlyList<string> Under(string directory, IEnumerable<string> mountinfo) => mountinfo
        .Select(line => line.Split(' ', 6) is { Length: > 4 } fields ? Unescape(fields[4]) : "")
        .Where(point => point == directory || point.StartsWith(directory + "/", StringComparison.Ordinal))
        .OrderByDescending(point => point.Length)
        .ToList();

    /// <summary>Unmounts everything at or below a directory.</summary>
    public static void Clear(string directory)
    {
        // Several mounts can lie on one point: look again until none is left.
        for (var round = 0; round < 10; round++)
        {
            var points = Under(directory);
            if (points.Count is 0) { return; }
            foreach (var point in points) { Native.Unmount(point); }
        }

        throw new LabFailure($"cannot unmount what is mounted under {directory}");
    }

    private static string Unescape(string field) => field
        .Replace("\\040", " ", StringComparison.Ordinal)
        .Replace("\\011", "\t", StringComparison.Ordinal)
        .Replace("\\012", "\n", StringComparison.Ordinal)
        .Replace("\\134", "\\", StringComparison.Ordinal);
}
