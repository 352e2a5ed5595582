namespace NannyOrleans.Domain.Operations;

/// <summary>What an apply would have done beside what the dry run it was approved from had listed.</summary>
/// <param name="Added">What the dry run did not list.</param>
/// <param name="Removed">What it listed and is not pending any more.</param>
/// <param name="Changed">What it listed in another version.</param>
public sealed record PlanDifference(IReadOnlyList<PackageChange> Added, IReadOnlyList<PackageChange> Removed, IReadOnlyList<ChangedPackage> Changed)
{
    /// <summary>Packages that would be removed and that the dry run did not list so.</summary>
    public IReadOnlyList<string> RemovalsAdded { get; init; } = [];

    /// <summary>Packages it listed as going that would stay.</summary>
    public IReadOnlyList<string> RemovalsDropped { get; init; } = [];

    /// <summary>The difference, each list by name.</summary>
    public static PlanDifference Of(PatchFindings planned, PatchFindings now)
    {
        var before = planned.Packages.ToLookup(package => package.Name, StringComparer.Ordinal);
        var after = now.Packages.ToLookup(package => package.Name, StringComparer.Ordinal);
        return new(
            Sorted(now.Packages.Where(package => !before.Contains(package.Name))),
            Sorted(planned.Packages.Where(package => !after.Contains(package.Name))),
            [
                .. from name in before.Select(packages => packages.Key).Order(StringComparer.Ordinal)
                   where after.Contains(name)
                   let versions = (Planned: Versions(before[name]), Now: Versions(after[name]))
                   where versions.Planned != versions.Now
                   select new ChangedPackage(name, versions.Planned, versions.Now),
            ])
        {
            RemovalsAdded = [.. now.Removed.Except(planned.Removed).Order(StringComparer.Ordinal)],
            RemovalsDropped = [.. planned.Removed.Except(now.Removed).Order(StringComparer.Ordinal)],
        };
    }

    // One name may be there in two versions, as kernels are, or for two architectures.
    private static string Versions(IEnumerable<PackageChange> packages) => string.Join(", ", packages.Select(package => package.To).Distinct().Order(StringComparer.Ordinal));

    private static PackageChange[] Sorted(IEnumerable<PackageChange> packages) => [.. packages.OrderBy(package => package.Name, StringComparer.Ordinal)];
}

/// <summary>A package whose version differs.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Planned">The version the dry run listed.</param>
/// <param name="Now">The version that would be installed now.</param>
public sealed record ChangedPackage(string Name, string Planned, string Now);
