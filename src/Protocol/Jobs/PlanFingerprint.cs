using System.Security.Cryptography;
using System.Text;

namespace NannyOrleans.Protocol.Jobs;

/// <summary>
/// One short text for what would be installed and removed: a script computes the same over its own plan, with <c>sort</c> and <c>sha256sum</c>, and
/// compares before it changes anything.
/// </summary>
public static class PlanFingerprint
{
    /// <summary>SHA-256, in 64 lower-case hex digits, of a line <c>NAME TAB VERSION LF</c> for each package, in the order of their bytes (<c>LC_ALL=C sort -u</c>). What goes has the version <c>-</c>, which no package has.</summary>
    /// <param name="packages">Name and version of each package that would be installed.</param>
    /// <param name="removed">Each package that would be removed.</param>
    public static string Of(IEnumerable<(string Name, string To)> packages, IEnumerable<string> removed)
    {
        var lines = packages.Concat(removed.Select(name => (Name: name, To: "-"))).Select(package => Encoding.UTF8.GetBytes($"{package.Name}\t{package.To}")).ToList();
        lines.Sort(static (one, other) => one.AsSpan().SequenceCompareTo(other));
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        byte[]? last = null;
        foreach (var line in lines)
        {
            if (last is null || !line.AsSpan().SequenceEqual(last))
            {
                hash.AppendData(line);
                hash.AppendData("\n"u8);
            }

            last = line;
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
