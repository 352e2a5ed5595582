namespace NannyOrleans.Architecture.Tests;

/// <summary>Which project may need which: the arrows of the layout, read from the .csproj files.</summary>
public sealed class ProjectTests
{
    /// <summary>Every arrow there is. A project that is not here does not belong in <c>src</c>.</summary>
    private static readonly Dictionary<string, string[]> Arrows = new(StringComparer.Ordinal)
    {
        ["Protocol"] = [],
        ["Domain"] = ["Protocol"],
        ["Grains"] = ["Domain"],
        ["Silo"] = ["Grains"],
        ["Api"] = ["Silo"],
        ["Agent"] = ["Protocol"],
        ["Ctl"] = [], // it knows the REST API alone, as anybody's program does
        ["Lab"] = [],
    };

    [Fact] // Or all the rules below would hold of nothing.
    public void Finds_the_projects() => Assert.Contains("Protocol", ProjectFile.In("src").Select(p => p.Name));

    [Fact]
    public void A_project_needs_only_what_its_arrow_points_at()
    {
        foreach (var project in ProjectFile.In("src"))
        {
            Assert.True(Arrows.TryGetValue(project.Name, out var allowed), $"{project.Name} has no place in the layout.");
            Assert.True(allowed.SequenceEqual(project.Projects), $"{project.Name} references [{string.Join(' ', project.Projects)}], its arrows are [{string.Join(' ', allowed)}].");
        }
    }

    [Fact] // The lab stands for somebody else's software: the product must not be able to tell.
    public void Nothing_but_its_own_tests_knows_the_lab()
    {
        var knowing = ProjectFile.In("src").Concat(ProjectFile.In("bench"))
            .Concat(ProjectFile.In("tests").Where(p => p.Name is not ("Lab.Tests" or "EndToEnd.Tests" or "Agent.Tests" or "Scripts.Tests" or "Chaos.Tests" or "Dashboard.Tests"))) // all but the first start it as a program
            .Where(p => p.Projects.Contains("Lab"));
        Assert.Empty(knowing.Select(p => p.Name));
    }

    [Fact] // They are in Directory.Packages.props, once.
    public void No_project_states_a_package_version()
    {
        var stating = ProjectFile.In("src").Concat(ProjectFile.In("tests")).Concat(ProjectFile.In("bench"))
            .SelectMany(project => project.Versioned.Select(package => $"{project.Name}: {package}"));
        Assert.Empty(stating);
    }

    [Fact]
    public void Decisions_cannot_see_Orleans_nor_a_web_server()
    {
        foreach (var project in ProjectFile.In("src").Where(p => p.Name is "Domain" or "Protocol"))
        {
            Assert.DoesNotContain(project.Packages, package =>
                package.Contains("Orleans", StringComparison.OrdinalIgnoreCase)
                || package.Contains("AspNetCore", StringComparison.OrdinalIgnoreCase)
                || package.StartsWith("Microsoft.NET.Sdk.", StringComparison.OrdinalIgnoreCase));
        }
    }

    [Fact] // What both sides say must be readable by both with the base class library alone.
    public void The_protocol_needs_no_package() =>
        Assert.Equal(["Microsoft.NET.Sdk"], ProjectFile.In("src").Single(p => p.Name is "Protocol").Packages);
}
