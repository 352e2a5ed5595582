using System.Diagnostics;
using System.Net.Sockets;
using NannyOrleans.Tests.Postgres;

[assembly: AssemblyFixture(typeof(SharedPostgres))]

namespace NannyOrleans.Silo.Tests.Postgres;

/// <summary>The tests' own PostgreSQL: that it is what the others take it for.</summary>
public sealed class PrivatePostgresTests(SharedPostgres shared)
{
    [Fact]
    public async Task A_test_has_a_database_of_its_own_that_is_a_copy_of_one_filled_once()
    {
        var server = await shared.Server;
        var filled = 0;
        async Task Fill(string connection)
        {
            filled++;
            await server.Psql(NameIn(connection), "CREATE TABLE seen (what text)");
        }

        var first = NameIn(await shared.NewDatabase("filled", Fill));
        var second = NameIn(await shared.NewDatabase("filled", Fill));
        await server.Psql(first, "INSERT INTO seen VALUES ('first')");

        Assert.Equal(1, filled);
        Assert.NotEqual(first, second);
        Assert.Equal("first", await server.Psql(first, "SELECT what FROM seen"));
        Assert.Equal("0", await server.Psql(second, "SELECT count(*) FROM seen"));
        Assert.Equal("0", await server.Psql(NameIn(await shared.NewDatabase()), "SELECT count(*) FROM pg_tables WHERE tablename = 'seen'"));
    }

    [Fact]
    public async Task It_writes_as_durably_as_an_installation_and_listens_on_loopback_alone()
    {
        var server = await shared.Server;
        Assert.Equal("on on 127.0.0.1", await server.Psql("postgres",
            "SELECT concat_ws(' ', current_setting('fsync'), current_setting('synchronous_commit'), current_setting('listen_addresses'))"));
    }

    [Fact]
    public async Task Killed_stopped_and_frozen_it_comes_back_on_its_port_with_what_was_written()
    {
        Assert.SkipWhen(PrivatePostgres.WhyNot is not null, PrivatePostgres.WhyNot ?? "");
        await using var server = await PrivatePostgres.Start(maxConnections: 20);
        var port = server.Port;
        Assert.Equal("20", await server.Psql("postgres", "SELECT current_setting('max_connections')"));
        await server.Psql("postgres", "CREATE TABLE seen (what text); INSERT INTO seen VALUES ('before')");

        await server.Kill();
        await Assert.ThrowsAnyAsync<SocketException>(() => Connect(port));
        await server.Start();
        await server.Psql("postgres", "INSERT INTO seen VALUES ('killed')");

        await server.Stop();
        await Assert.ThrowsAnyAsync<SocketException>(() => Connect(port));
        await server.Start();

        await server.Freeze();
        Assert.StartsWith("T", Assert.Single(await Processes(port), line => line.Contains("/bin/postgres ", StringComparison.Ordinal) && !line.Contains("unshare", StringComparison.Ordinal)), StringComparison.Ordinal);
        await Connect(port); // the kernel still takes it
        var answer = server.Psql("postgres", "SELECT string_agg(what, ' ') FROM seen");
        await server.Resume();
        Assert.Equal("before killed", await answer.Within("an answer after it went on"));
        Assert.Equal(port, server.Port);
        Assert.Contains("not properly shut down", server.Log, StringComparison.Ordinal); // the kill was one, the stop was none
        Assert.Single(server.Log.Split('\n'), line => line.Contains("not properly shut down", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Frozen_it_is_removed_all_the_same()
    {
        Assert.SkipWhen(PrivatePostgres.WhyNot is not null, PrivatePostgres.WhyNot ?? "");
        var server = await PrivatePostgres.Start();
        var port = server.Port;
        await server.Freeze();
        await server.DisposeAsync();
        await Assert.ThrowsAnyAsync<SocketException>(() => Connect(port));
        Assert.Empty(await Processes(port));
    }

    private static string NameIn(string connection) => connection.Split(';').Single(part => part.StartsWith("Database=", StringComparison.Ordinal))["Database=".Length..];

    /// <summary>State and command line of whatever was started for this port.</summary>
    private static async Task<string[]> Processes(int port)
    {
        using var list = Process.Start(new ProcessStartInfo("ps", ["-eo", "stat,args"]) { RedirectStandardOutput = true })!;
        return [.. (await list.StandardOutput.ReadToEndAsync()).Split('\n').Where(line => line.Contains($"port={port} ", StringComparison.Ordinal))];
    }

    private static async Task Connect(int port)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", port);
    }
}
