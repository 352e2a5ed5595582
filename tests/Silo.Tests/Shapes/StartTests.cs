namespace NannyOrleans.Silo.Tests.Shapes;

/// <summary>What a person gets to see when a server can't start: one line with what to mend, and an exit code that is not 0.</summary>
public sealed class StartTests : IDisposable
{
    private readonly DataDirectory data = new();

    public static TheoryData<string, string, string, string> Wrong => Each(
        ("Port", "65536", "between 0 and 65535"),
        ("Port", "-1", "between 0 and 65535"),
        ("GatewayPort", "0", "between 1 and 65535"),
        ("GatewayPort", "many", "'Silo:GatewayPort'"),
        ("Embedded", "perhaps", "'Silo:Embedded'"),
        ("DataDirectory", "", "DataDirectory"),
        ("DataDirectory", "/proc/nanny", "/proc/nanny can't be written"),
        ("DataDirectory", "/dev/null", "/dev/null can't be written"));

    public static TheoryData<string, string> Databases => new()
    {
        { "Silo", "grains.db" },
        { "Silo", "history.db" },
        { "Api", "grains.db" },
        { "Api", "history.db" },
        { "Api", "accounts.db" },
    };

    public void Dispose() => data.Dispose();

    [Theory]
    [MemberData(nameof(Wrong))]
    public Task A_wrong_setting_is_named(string program, string name, string value, string named) =>
        EndsWith(named, Start(program, (name, value)));

    [Theory]
    [InlineData("Silo", "Telemetry__MetricsToken", "too-short", "Telemetry:MetricsToken needs 16 characters or more")]
    [InlineData("Api", "Telemetry__LogFormat", "xml", "'Telemetry:LogFormat'")]
    [InlineData("Api", "Health__StopDelaySeconds", "301", "between 0 and 300")]
    [InlineData("Silo", "Health__StopDelaySeconds", "soon", "'Health:StopDelaySeconds'")]
    public Task A_wrong_setting_of_another_section_is_named(string program, string name, string value, string named) =>
        EndsWith(named, Start(program, (name, value), section: string.Empty));

    [Theory]
    [MemberData(nameof(Databases))]
    public async Task A_damaged_database_is_named(string program, string file)
    {
        await File.WriteAllTextAsync(data.PathOf(file), new string('x', 8192));
        await EndsWith($"{data.PathOf(file)} can't be used", Start(program));
    }

    [Theory]
    [MemberData(nameof(Databases))]
    public async Task A_read_only_database_is_named(string program, string file)
    {
        data.Tell(file, "PRAGMA journal_mode=WAL; CREATE TABLE something (id)");
        var path = data.PathOf(file);
        if (Environment.IsPrivilegedProcess)
        {
            // Root may write what has no write permission, but not where the mount has none.
            await EndsWith($"{path} can't be used", Start(program, before: ["unshare", "--mount", "sh", "-c", $"mount --bind '{path}' '{path}' && mount -o remount,bind,ro '{path}' && exec \"$@\"", "sh"]));
        }
        else
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead);
            await EndsWith($"{path} can't be used", Start(program));
        }
    }

    [Theory]
    [InlineData("Silo")]
    [InlineData("Api")]
    public async Task Settings_beside_the_program_are_read_from_wherever_it_is_started(string program)
    {
        await using var server = Start(program);
        await server.Line("Application started");
        Assert.Equal(0, await server.Terminate());

        // appsettings.json turns these down; without it they are there.
        Assert.DoesNotContain("info: Orleans", server.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("info: Microsoft.EntityFrameworkCore", server.Log, StringComparison.Ordinal);
        Assert.True(File.GetUnixFileMode(data.Path).HasFlag(UnixFileMode.UserRead));
    }

    [Theory]
    [InlineData("Silo")]
    [InlineData("Api")]
    public async Task A_second_server_on_the_same_data_directory_ends_at_once_and_the_first_goes_on(string second)
    {
        await using (var server = Start("Silo"))
        {
            await server.Line("Application started");
            await EndsWith($"{data.Path} can't be locked; another server uses it already?", Start(second));
            await server.Kill(); // nothing is left behind that would keep the next one out
        }

        await using var next = Start("Silo");
        await next.Line("Application started");
        Assert.Equal(0, await next.Terminate());
    }

    private static TheoryData<string, string, string, string> Each(params (string Name, string Value, string Named)[] rows)
    {
        var all = new TheoryData<string, string, string, string>();
        foreach (var row in rows)
        {
            all.Add("Silo", row.Name, row.Value, row.Named);
            all.Add("Api", row.Name, row.Value, row.Named);
        }

        return all;
    }

    private static async Task EndsWith(string named, RunningProgram started)
    {
        await using var server = started;
        Assert.Equal(1, await server.Exit());
        var line = Assert.Single(server.Lines);
        Assert.StartsWith("nanny-", line, StringComparison.Ordinal);
        Assert.Contains(named, line, StringComparison.Ordinal);
    }

    private RunningProgram Start(string program, (string Name, string Value)? setting = null, string section = "Silo__", params string[] before)
    {
        Dictionary<string, string> settings = new()
        {
            ["NANNY_Silo__DataDirectory"] = data.Path,
            ["NANNY_Silo__Port"] = "0",
            ["NANNY_Silo__GatewayPort"] = $"{Port.Free()}",
            ["NANNY_ADMIN_PASSWORD"] = "correct-horse-battery",
            ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{Port.Free()}",
        };
        if (setting is { } wrong)
        {
            settings[$"NANNY_{section}{wrong.Name}"] = wrong.Value;
        }

        return new([.. before, BuiltProgram.Of(program)], settings);
    }
}
