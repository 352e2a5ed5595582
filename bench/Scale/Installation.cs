using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NannyOrleans.Silo;
using NannyOrleans.Tests.Postgres;
using Npgsql;

namespace NannyOrleans.Bench.Scale;

/// <summary>The HA shape as processes of this machine: PostgreSQL, three silos, two Api processes; and a client of the silos in this process.</summary>
internal sealed class Installation : IAsyncDisposable
{
    private const int SiloCount = 3;
    private readonly string keys;
    private readonly IReadOnlyList<Process> silos;
    private readonly IHost client;

    private Installation(string keys, PrivatePostgres postgres, string database, IReadOnlyList<Process> silos, BenchServer agents, BenchServer people, IHost client)
    {
        (this.keys, Postgres, Database, this.silos, Agents, People, this.client) = (keys, postgres, database, silos, agents, people, client);
    }

    public PrivatePostgres Postgres { get; }

    /// <summary>How to connect to it.</summary>
    public string Database { get; }

    /// <summary>The Api process that has the agents.</summary>
    public BenchServer Agents { get; }

    /// <summary>That which people ask.</summary>
    public BenchServer People { get; }

    public IGrainFactory Grains => client.Services.GetRequiredService<IGrainFactory>();

    public IEnumerable<int> Silos => silos.Select(silo => silo.Id);

    /// <summary>The keys that all processes have.</summary>
    public string KeyOf(string file) => Path.Combine(keys, file);

    public static async Task<Installation> Start(PrivatePostgres postgres)
    {
        var keys = Directory.CreateTempSubdirectory("nanny-bench-").FullName;
        var database = await postgres.NewDatabase();
        (string, string)[] shared =
        [
            ("Silo__DataDirectory", keys), ("Silo__Postgres", database), ("Silo__Embedded", "false"), ("Logging__LogLevel__Default", "Warning"),
            ("Logging__LogLevel__Microsoft.Hosting.Lifetime", "Information"),
        ];
        var silos = new List<Process>();
        for (var number = 0; number < SiloCount; number++)
        {
            silos.Add(await StartSilo([.. shared, ("Silo__Port", $"{FreePort()}"), ("Silo__GatewayPort", $"{FreePort()}"), ("urls", "http://127.0.0.1:0")]));
        }

        var agents = await BenchServer.Start(shared);
        var people = await BenchServer.Start(shared);
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.AddSiloClient(new() { DataDirectory = keys, Postgres = database, Embedded = false });
        var client = builder.Build();
        await client.StartAsync();
        return new(keys, postgres, database, silos, agents, people, client);
    }

    /// <summary>Processor time of PostgreSQL, all its processes together.</summary>
    public double PostgresCpuSeconds()
    {
        var port = string.Create(CultureInfo.InvariantCulture, $"port={Postgres.Port}");
        var postmaster = Processes().First(pid => Read($"/proc/{pid}/comm").StartsWith("postgres", StringComparison.Ordinal) && Read($"/proc/{pid}/cmdline").Split('\0').Contains(port));
        return Processes().Where(pid => ParentOf(pid) == postmaster).Sum(pid => ProcessCost.TryOf(pid)?.OwnCpuSeconds ?? 0) + ProcessCost.Of(postmaster).CpuSeconds;
    }

    /// <summary>Asks the database as its superuser.</summary>
    public Task<string> Sql(string query) => Postgres.Psql(new NpgsqlConnectionStringBuilder(Database).Database!, query);

    public async ValueTask DisposeAsync()
    {
        await client.StopAsync();
        client.Dispose();
        Agents.Dispose();
        People.Dispose();
        foreach (var silo in silos)
        {
            silo.Kill();
            await silo.WaitForExitAsync();
            silo.Dispose();
        }

        Directory.Delete(keys, recursive: true);
    }

    private static async Task<Process> StartSilo(IEnumerable<(string Name, string Value)> settings)
    {
        // As it is built: of the silo's program nothing is published for benchmarks.
        var start = new ProcessStartInfo("setpriv", ["--pdeathsig", "KILL", "dotnet", $"{BenchServer.Repository}/src/Silo/bin/Release/net10.0/nanny-silo.dll"]) { WorkingDirectory = "/", RedirectStandardOutput = true };
        foreach (var (name, value) in settings)
        {
            start.Environment[$"NANNY_{name}"] = value;
        }

        var process = Launcher.Start(start);
        await BenchServer.Listening(process);
        return process;
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    private static int[] Processes() => [.. Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Where(name => int.TryParse(name, out _)).Select(name => int.Parse(name!, CultureInfo.InvariantCulture))];

    private static int ParentOf(int pid) =>
        Read($"/proc/{pid}/stat") is { Length: > 0 } stat ? int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture) : 0;

    // Empty of a process that has ended meanwhile.
    private static string Read(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (IOException)
        {
            return string.Empty;
        }
    }
}
