using System.Text.Json.Nodes;

namespace NannyOrleans.EndToEnd.Tests;

/// <summary>One server, one lab of three hosts with six real containers, three registered agents. Each test has containers of its own.</summary>
public sealed class Cluster : IAsyncLifetime
{
    private readonly DataDirectory directory = new();

    internal Server Server { get; private set; } = null!;

    internal LabCluster Lab { get; private set; } = null!;

    /// <summary>The line between the agent of pve2 and the server.</summary>
    internal Link Link { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        if (Missing() is not null)
        {
            return;
        }

        Lab = new(directory.PathOf("lab"));
        await Lab.Verb("up");
        Server = await Server.Start(directory.PathOf("data"));
        Link = new(Server.Url);
        string[] hosts = ["pve1", "pve2", "pve3"];
        await Task.WhenAll(hosts.Select(host => Lab.Register(host, Server, host is "pve2" ? Link.Url : Server.Url))); // each asks every few seconds whether it was approved
        foreach (var host in hosts)
        {
            Lab.StartAgent(host);
        }

        await Server.Knows(hosts: 3, containers: 6);
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

    public async ValueTask DisposeAsync()
    {
        if (Lab is not null)
        {
            await Lab.DisposeAsync();
        }

        if (Link is not null)
        {
            await Link.DisposeAsync();
        }

        if (Server is not null)
        {
            await Server.DisposeAsync();
        }

        directory.Dispose();
    }

    /// <summary>Why there can be no real containers here; null when there can.</summary>
    internal static string? Missing() => !Environment.IsPrivilegedProcess ? "Real containers need root."
        : !File.Exists("/usr/bin/lxc-start") ? "Real containers need the Debian package lxc."
        : null;
}
