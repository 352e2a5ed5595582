using NannyOrleans.EndToEnd.Tests;

[assembly: AssemblyFixture(typeof(Cluster))]
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

    /// <summary>A container of pve2 that is stopped.</summary>
    internal const int Stopped = 122;

    /// <summary>A container of pve2 that is locked and unlocked.</summary>
    internal const int Locked = 123;

    /// <summary>A template on pve2.</summary>
    internal const int Template = 124;

    /// <summary>The container of pve2 with package exceptions.</summary>
    internal const int Excepted = 125;

    /// <summary>The containers of pve2 that are patched by a plan.</summary>
    internal const int PlannedApt = 126, PlannedPacman = 127;

    /// <summary>Containers with a version of Debian that custom scripts are made for: on pve2, which admits them, and on pve1, which does not.</summary>
    internal const int OddOnPve2 = 128, OddOnPve1 = 116;

    /// <summary>That version.</summary>
    internal const string OddVersion = "12.99";

    /// <summary>A container of pve2 of a distribution that nobody knows.</summary>
    internal const int Unknown = 129;

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
        $"guest {Locked} lxc pve2 on locked",
        $"guest {Excepted} lxc pve2 on excepted",
        $"guest {PlannedApt} lxc pve2 on planned-apt",
        $"guest {PlannedPacman} lxc pve2 on planned-pacman family=pacman",
        $"guest {OddOnPve2} lxc pve2 on odd-2",
        $"guest {OddOnPve1} lxc pve1 on odd-1",
        $"guest {Unknown} lxc pve2 on unknown",
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
        foreach (var odd in (int[])[OddOnPve1, OddOnPve2])
        {
            await Lab.Inside(odd, "sed", "-i", "--follow-symlinks", $"s/^VERSION_ID=.*/VERSION_ID=\"{OddVersion}\"/", "/etc/os-release");
        }

        await Lab.Inside(Unknown, "sed", "-i", "--follow-symlinks", "s/^ID=.*/ID=plan9/", "/etc/os-release");
        await Lab.OnHost("pve2", "pct", "set", $"{Unknown}", "--ostype", "unmanaged");
        await Lab.OnHost("pve2", "pct", "set", $"{Template}", "--template", "1");
        Server = await Server.Start(directory.PathOf("data"));
        foreach (var host in (string[])["pve1", "pve2", "pve3"])
        {
            await Lab.Register(host, Server, more: host is "pve2" ? "custom_scripts: true" : "");
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
        guest {Stopped} lxc pve2 off stopped
        guest {Template} lxc pve2 off template
        """;
}
