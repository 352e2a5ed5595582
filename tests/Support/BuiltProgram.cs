namespace NannyOrleans.Tests.Support;

/// <summary>Our own programs: as they are delivered where <c>./nanny</c> has published them, else in their projects' output.</summary>
internal static class BuiltProgram
{
    /// <summary>The path of the program that a project in <c>src</c> builds, of the same configuration as these tests.</summary>
    public static string Of(string project)
    {
        var name = project switch { "Agent" => "nannyagent", "Ctl" => "nannyctl", _ => $"nanny-{project.ToLowerInvariant()}" };

        // What is compiled beforehand starts in a fraction of the time, and the tests start programs by the hundred.
        if (Environment.GetEnvironmentVariable("NANNY_TEST_PROGRAMS") is { } published
            && Path.Combine(published, project.ToLowerInvariant(), name) is var delivered && File.Exists(delivered))
        {
            return delivered;
        }

        // .../tests/Api.Tests/bin/Debug/net10.0/ here, .../src/Api/bin/Debug/net10.0/ there
        var here = AppContext.BaseDirectory;
        var repository = here[..here.LastIndexOf("/tests/", StringComparison.Ordinal)];
        var output = here[(here.LastIndexOf("/bin/", StringComparison.Ordinal) + 1)..];
        var path = Path.Combine(repository, "src", project, output, name);
        Assert.True(File.Exists(path), $"{path} is not built.");
        return path;
    }
}
