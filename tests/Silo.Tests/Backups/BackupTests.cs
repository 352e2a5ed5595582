using System.Net;
using NannyOrleans.Silo.Backups;
using NannyOrleans.Tests.Postgres;

namespace NannyOrleans.Silo.Tests.Backups;

/// <summary>A server's data saved while it runs, and brought back: with the programs that a person uses for it.</summary>
public sealed class BackupTests(SharedPostgres postgres) : IDisposable
{
    private const string Password = "a password that is saved too";
    private readonly DataDirectory data = new();
    private readonly DataDirectory other = new();

    private string Saved => other.PathOf("saved");

    private DataDirectory Fresh { get; } = new();

    public void Dispose()
    {
        data.Dispose();
        other.Dispose();
        Fresh.Dispose();
    }

    [Theory]
    [InlineData(BackupContents.Sqlite)]
    [InlineData(BackupContents.Postgres)]
    public async Task What_a_running_server_knew_is_there_after_a_restore(string store)
    {
        var (before, after) = store is BackupContents.Postgres ? (await postgres.NewDatabase(), await postgres.NewDatabase()) : ("", "");
        await using (var server = Start(data, before, Password))
        {
            await SignIn(await Url(server));
            await Ends(0, "Saved to", "backup", data, before);
            Assert.All(Directory.GetFiles(Saved), file => Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(Saved));
            await Ends(1, "is there already", "backup", data, before);
            await Ends(1, store is BackupContents.Postgres ? "There are tables in" : "another server uses it already", "restore", data, before);
        }

        await Ends(1, store is BackupContents.Postgres ? "There are tables in" : "is there already", "restore", data, before);
        await Ends(1, $"this one is on {(store is BackupContents.Postgres ? "sqlite" : "postgres")}", "restore", Fresh, store is BackupContents.Postgres ? "" : "Host=127.0.0.1");
        await Ends(0, "The backup of", "restore", Fresh, after);
        await using (var verify = new RunningProgram([BuiltProgram.Of("Silo"), "audit", "verify"], Settings(Fresh, after)))
        {
            Assert.True(await verify.Exit() is 0, verify.Log);
            Assert.Contains("The audit log is whole: ", verify.Log, StringComparison.Ordinal);
        }

        await using var restored = Start(Fresh, after, password: null);
        await SignIn(await Url(restored));
    }

    [Fact]
    public async Task A_backup_that_is_not_whole_is_not_restored()
    {
        var (file, directory) = (Path.Combine(Saved, "grains.db"), Fresh.PathOf("grains.db"));
        await Ends(1, "is missing: Silo:DataDirectory is not that of a server", "backup", data);
        Save();
        using (var stream = File.OpenWrite(file))
        {
            stream.Position = 4000;
            stream.WriteByte(1);
        }

        await Ends(1, $"{file} is not as it was", "restore", Fresh);
        File.Delete(file);
        await Ends(1, "grains.db is missing", "restore", Fresh);
        File.Delete(Path.Combine(Saved, "backup.json"));
        await Ends(1, "is no whole backup", "restore", Fresh);
        Assert.False(File.Exists(directory));
    }

    [Fact]
    public async Task A_restore_that_was_cut_off_keeps_servers_from_starting_until_it_is_done_again()
    {
        Save();
        File.WriteAllBytes(Fresh.PathOf("restore.unfinished"), []);
        File.WriteAllText(Fresh.PathOf("grains.db"), "half of");
        await using (var server = Start(Fresh, "", password: null))
        {
            Assert.Equal(1, await server.Exit());
            Assert.Contains("was cut off. Do it again.", server.Log, StringComparison.Ordinal);
        }

        await Ends(0, "The backup of", "restore", Fresh);
        Assert.Equal("here", Fresh.Ask<string>("grains.db", "SELECT what FROM seen"));
        Assert.False(File.Exists(Fresh.PathOf("restore.unfinished")));
    }

    [Fact]
    public async Task The_script_for_each_night_keeps_the_newest_and_removes_nothing_else()
    {
        Save();
        var here = AppContext.BaseDirectory;
        var script = here[..here.LastIndexOf("/tests/", StringComparison.Ordinal)] + "/deploy/backup.sh";
        var (oldest, newer, others) = (Fresh.PathOf("2026-01-01T033000Z"), Fresh.PathOf("2026-01-02T033000Z"), Fresh.PathOf("2026-01-01T000000Z"));
        Directory.Move(Saved, oldest);
        Directory.CreateDirectory(newer);
        File.WriteAllText(Path.Combine(newer, "backup.json"), "");
        Directory.CreateDirectory(others); // by its name one of ours, and by what is in it none

        var settings = Settings(data, "");
        settings["NANNY_PROGRAM"] = BuiltProgram.Of("Api");
        await using var program = new RunningProgram([script, Fresh.Path, "2"], settings);
        Assert.True(await program.Exit() is 0, program.Log);
        Assert.False(Path.Exists(oldest));
        Assert.True(Path.Exists(newer) && Path.Exists(others));
        var newest = Assert.Single(Directory.GetDirectories(Fresh.Path).Except([newer, others]));
        Assert.True(File.Exists(Path.Combine(newest, "grains.db")));

        // What can't save removes nothing, or a server that is broken for a fortnight would have no backup left.
        File.Delete(data.PathOf("grains.db"));
        await using var failing = new RunningProgram([script, Fresh.Path, "1"], settings);
        Assert.Equal(1, await failing.Exit());
        Assert.True(Path.Exists(newer) && Path.Exists(newest));
    }

    [Fact] // Copied one after the other, the last would know what the first does not.
    public async Task Databases_are_copied_as_they_are_at_one_instant()
    {
        string[] files = ["first.db", "second.db", "third.db"];
        foreach (var file in files)
        {
            data.Tell(file, "PRAGMA journal_mode=WAL; CREATE TABLE seen (number integer); INSERT INTO seen VALUES (0)");
        }

        using var end = new CancellationTokenSource();
        var written = new TaskCompletionSource();
        var writer = Task.Run(() =>
        {
            for (var number = 1; !end.IsCancellationRequested; number++)
            {
                foreach (var file in files)
                {
                    data.Tell(file, $"UPDATE seen SET number = {number}");
                }

                written.TrySetResult();
            }
        });
        await written.Task.Within("a first write");

        for (var copy = 0; copy < 20; copy++)
        {
            SqliteCopies.Write(files, data.PathOf, other.PathOf);
            var numbers = files.Select(file => other.Ask<long>(file, "SELECT number FROM seen")).ToArray();
            Assert.True(numbers[0] >= numbers[1] && numbers[1] >= numbers[2] && numbers[2] >= numbers[0] - 1, string.Join(' ', numbers));
        }

        await end.CancelAsync();
        await writer.Within("the writer's end");
    }

    /// <summary>A backup of databases with a row in them, and of keys that are none.</summary>
    private void Save()
    {
        foreach (var file in BackupContents.Databases)
        {
            data.Tell(file, "CREATE TABLE seen (what text); INSERT INTO seen VALUES ('here')");
        }

        foreach (var key in BackupContents.Keys)
        {
            File.WriteAllText(data.PathOf(key), key);
        }

        Assert.StartsWith("Saved to", BackupWriting.Write(data.Options, Saved).GetAwaiter().GetResult(), StringComparison.Ordinal);
    }

    private async Task Ends(int code, string saying, string verb, DataDirectory directory, string database = "")
    {
        await using var program = new RunningProgram([BuiltProgram.Of("Api"), verb, Saved], Settings(directory, database));
        Assert.True(code == await program.Exit(), program.Log);
        Assert.Contains(saying, Assert.Single(program.Lines), StringComparison.Ordinal);
    }

    private static RunningProgram Start(DataDirectory directory, string database, string? password)
    {
        var settings = Settings(directory, database);
        settings["NANNY_urls"] = "http://127.0.0.1:0";
        settings["NANNY_Silo__Port"] = "0";
        if (password is not null)
        {
            settings["NANNY_ADMIN_PASSWORD"] = password;
        }

        return new([BuiltProgram.Of("Api")], settings);
    }

    private static Dictionary<string, string> Settings(DataDirectory directory, string database) => new()
    {
        ["NANNY_Silo__DataDirectory"] = directory.Path,
        ["NANNY_Silo__Postgres"] = database,
    };

    private static async Task<Uri> Url(RunningProgram server) => new((await server.Line("Now listening on: ")).Split("Now listening on: ")[1]);

    private static async Task SignIn(Uri server)
    {
        using var client = new HttpClient { BaseAddress = server };
        using var form = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["grant_type"] = "password",
            ["client_id"] = "nanny-cli",
            ["scope"] = "api",
            ["username"] = "admin",
            ["password"] = Password,
        });
        using var answer = await client.PostAsync("/connect/token", form);
        Assert.True(answer.StatusCode is HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
    }
}
