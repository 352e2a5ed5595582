using System.Text.Json.Nodes;
using NannyOrleans.EndToEnd.Tests;

[assembly: AssemblyFixture(typeof(Cluster))]

namespace NannyOrleans.EndToEnd.Tests;

/// <summary>One server, one lab of three hosts with six real containers, three registered agents. Each test has containers of its own.</summary>
public sealed class Cluster : IAsyncLifetime
{
    private readonly string directory = Directory.CreateTempSubdirectory("nanny-e2e-").FullName;

    internal Server Server { get; private set; } = null!;

    internal LabCluster Lab { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        if (Missing() is not null)
        {
            return;
        }

        Lab = new(Path.Combine(directory, "lab"));
        await Lab.Verb("up");
        Server = await Server.Start(Path.Combine(directory, "data"));
        foreach (var host in (string[])["pve1", "pve2", "pve3"])
        {
            await Lab.Register(host, Server);
            Lab.StartAgent(host);
        }

        await Server.Until("all hosts and their running containers' systems", async () =>
        {
            var rows = (await Server.Get("/api/agents")).AsArray();
            return rows.Count(row => (string?)row!["proxmox_role"] is "host" && (string?)row["status"] is "online") is 3
                && rows.Count(row => (string?)row!["status"] is "running" && row["os"] is not null && row["problem"] is null) is 6 ? rows : null;
        });
    }

    /// <summary>Skips the test where there can be no real containers. In CI that is a failure.</summary>
    internal static void NeedContainers()
    {
        if (Missing() is { } missing)
        {
            Assert.False(Environment.GetEnvironmentVariable("CI") is { Length: > 0 }, $"In CI this must run: {missing}");
            Assert.Skip(missing);
        }
    }

    /// <summary>The row of one host or guest.</summary>
    internal Task<JsonNode> Agent(string id) => Server.Get($"/api/agents/{id}");

    public ValueTask DisposeAsync()
    {
        Server?.Dispose();
        Lab?.Dispose();
        Directory.Delete(directory, recursive: true);
        return ValueTask.CompletedTask;
    }

    private static string? Missing() => !Environment.IsPrivilegedProcess ? "Real containers need root."
        : !File.Exists("/usr/bin/lxc-start") ? "Real containers need the Debian package lxc."
        : null;
}
