using NannyOrleans.EndToEnd.Tests;

[assembly: AssemblyFixture(typeof(GuestLab))]

namespace NannyOrleans.EndToEnd.Tests;

/// <summary>
/// A server and a lab of three hosts whose agents run undisturbed, with a container for each thing that is asked of guests. Nobody but the test that
/// names a container touches it, so its tests may run beside each other; all places of pve1 are those of one batch.
/// </summary>
public sealed class GuestLab : IAsyncLifetime
{
    /// <summary>The containers of pve1 that are patched as one batch, by family.</summary>
    internal static readonly IReadOnlyDictionary<int, string> Batch = new Dictionary<int, string>
    {
        [110] = "apt",
        [111] = "dnf",
        [112] = "zypper",
        [113] = "pacman",
        [114] = "apt",
        [115] = "apt",
    };

    /// <summary>The container of pve2 that is restarted.</summary>
    internal const int Rebooted = 120;

    /// <summary>The container of pve2 whose jobs are cancelled.</summary>
    internal const int Cancelled = 121;

    /// <summary>The containers of pve3 whose jobs do not end when asked to, by family: they take all its places for a minute.</summary>
    internal static readonly IReadOnlyDictionary<int, string> Stubborn = new Dictionary<int, string>
    {
        [140] = "apt",
        [141] = "dnf",
        [142] = "zypper",
        [143] = "pacman",
    };

    private static readonly string[] OthersThatRun =
    [
        $"guest {Rebooted} lxc pve2 on rebooted",
        $"guest {Cancelled} lxc pve2 on cancelled",
        .. Stubborn.Select(one => $"guest {one.Key} lxc pve3 on stubborn-{one.Key} family={one.Value}"),
    ];

    private readonly DataDirectory directory = new();

    internal Server Server { get; private set; } = null!;

    internal LabCluster Lab { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        if (Cluster.Missing() is not null)
        {
            return;
        }

        Lab = new(directory.PathOf("lab"));
        await File.WriteAllTextAsync(directory.PathOf("plan"), Plan());
        await Lab.Verb("up", "--plan", directory.PathOf("plan"));
        Server = await Server.Start(directory.PathOf("data"));
        foreach (var host in (string[])["pve1", "pve2", "pve3"])
        {
            await Lab.Register(host, Server);
            Lab.StartAgent(host);
        }

        await Server.Knows(hosts: 3, containers: Batch.Count + OthersThatRun.Length);
    }

    /// <summary>The agent has looked at a container: what was sent to it before has come.</summary>
    internal async Task Diagnosed(int vmid)
    {
        var (status, diagnosis) = await Server.Send(HttpMethod.Post, $"/api/agents/lxc-{vmid}/diagnose");
        Assert.True(status is 202, $"{status}: {diagnosis}");
        await Server.Until(
            () => Server.Get($"/api/diagnoses/{diagnosis!["id"]}"), one => (string?)one["status"] is not ("pending" or "running"), "the diagnosis to end");
    }

    public async ValueTask DisposeAsync()
    {
        if (Lab is not null)
        {
            await Lab.DisposeAsync();
        }

        if (Server is not null)
        {
            await Server.DisposeAsync();
        }

        directory.Dispose();
    }

    private static string Plan() => $"""
        host 1 pve1 10.98.0.11
        host 2 pve2 10.98.0.12
        host 3 pve3 10.98.0.13
        {string.Join('\n', Batch.Select(one => $"guest {one.Key} lxc pve1 on batch-{one.Key} family={one.Value}"))}
        {string.Join('\n', OthersThatRun)}
        """;
}
