using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NannyOrleans.Silo;
using NannyOrleans.Tests.Postgres;
using Npgsql;

namespace NannyOrleans.Bench.Failover;

/// <summary>PostgreSQL, three silos and an Api as processes on loopback, and a client of the silos in this one.</summary>
internal sealed class Plane : IAsyncDisposable
{
    private const string Password = "a password for the benchmark";
    private readonly string directory = Directory.CreateTempSubdirectory("nanny-failover-").FullName;
    private readonly PrivatePostgres postgres;
    private readonly string database;
    private readonly ServerProgram api;
    private readonly IHost client;

    private Plane(PrivatePostgres postgres, string database)
    {
        (this.postgres, this.database) = (postgres, database);
        Silos = [.. Enumerable.Range(0, 3).Select(_ => Program("Silo", ServerProgram.FreePort()))];
        api = Program("Api", ServerProgram.FreePort());
        Http = new() { BaseAddress = new($"http://127.0.0.1:{api.Port}"), Timeout = TimeSpan.FromSeconds(60) };
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.AddSiloClient(new() { DataDirectory = Path.Combine(directory, "keys"), Postgres = database, Embedded = false });
        client = builder.Build();
    }

    public IReadOnlyList<ServerProgram> Silos { get; }

    public IGrainFactory Grains => client.Services.GetRequiredService<IGrainFactory>();

    /// <summary>Speaks to the Api as the administrator.</summary>
    public HttpClient Http { get; }

    /// <summary>A file of the repository.</summary>
    public static string PathOf(string file) => Path.Combine(AppContext.BaseDirectory[..AppContext.BaseDirectory.LastIndexOf("/bench/", StringComparison.Ordinal)], file);

    public static async Task<Plane> Start()
    {
        var postgres = await PrivatePostgres.Start();
        var plane = new Plane(postgres, await postgres.NewDatabase());
        await Task.WhenAll(plane.Silos.Select(silo => silo.Start()));
        await Task.WhenAll(plane.api.Start(), plane.client.StartAsync());
        using var form = new FormUrlEncodedContent(
            [new("grant_type", "password"), new("client_id", "nanny-cli"), new("scope", "api"), new("username", "admin"), new("password", Password)]);
        using var answer = await plane.Http.PostAsync("/connect/token", form);
        var token = JsonElement.Parse(await answer.Content.ReadAsStringAsync()).GetProperty("access_token").GetString();
        plane.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return plane;
    }

    /// <summary>The silos that live, as the silos themselves see it, once there are three.</summary>
    public async Task<IReadOnlyList<SiloAddress>> Three()
    {
        while (true)
        {
            try
            {
                var hosts = await Grains.GetGrain<IManagementGrain>(0).GetHosts(onlyActive: true).WaitAsync(TimeSpan.FromSeconds(2));
                if (hosts.Count is 3)
                {
                    return [.. hosts.Keys];
                }
            }
            catch (Exception failure) when (failure is OrleansException or TimeoutException)
            {
                // that grain was on the one that is gone
            }

            await Task.Delay(200);
        }
    }

    /// <summary>Who is a member, a line for each silo there ever was: where, since when, its state.</summary>
    public Task<string> Members() =>
        Ask("SELECT string_agg(concat_ws(' ', Address, Port, Generation, Status), E'\\n' ORDER BY Address, Port, Generation) FROM OrleansMembership");

    /// <summary>Votes that some silo is dead.</summary>
    public Task<string> Suspicions() => Ask("SELECT count(*)::text FROM OrleansMembership WHERE Status = 3 AND coalesce(SuspectTimes, '') <> ''");

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        api.Dispose();
        foreach (var silo in Silos)
        {
            silo.Dispose();
        }

        // Not stopped first: there is nobody left to say goodbye to.
        client.Dispose();
        await postgres.DisposeAsync();
        Directory.Delete(directory, recursive: true);
    }

    private async Task<string> Ask(string sql)
    {
        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (string?)await command.ExecuteScalarAsync() ?? string.Empty;
    }

    private ServerProgram Program(string project, int port)
    {
        var output = AppContext.BaseDirectory[(AppContext.BaseDirectory.LastIndexOf("/bin/", StringComparison.Ordinal) + 1)..];
        return new(PathOf($"src/{project}/{output}nanny-{project.ToLowerInvariant()}.dll"), port, new Dictionary<string, string>
        {
            ["NANNY_Silo__DataDirectory"] = Path.Combine(directory, "keys"),
            ["NANNY_Silo__Postgres"] = database,
            ["NANNY_Silo__Embedded"] = "false",
            ["NANNY_Silo__Port"] = project is "Silo" ? $"{port}" : "0",
            ["NANNY_Silo__GatewayPort"] = project is "Silo" ? $"{ServerProgram.FreePort()}" : "30000",
            ["NANNY_ADMIN_PASSWORD"] = Password,
            ["NANNY_Limits__RequestsPerSecond"] = "1000000",
            ["NANNY_Limits__RegistrationsPerMinute"] = "1000000",
            ["ASPNETCORE_URLS"] = $"http://127.0.0.1:{(project is "Silo" ? ServerProgram.FreePort() : port)}",
        });
    }
}
