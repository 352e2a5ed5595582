using System.Globalization;

namespace NannyOrleans.Lab.Cluster;

/// <summary>What the file system daemon of a host does. Corosync, and with it the votes, lives on without it.</summary>
public enum Pmxcfs
{
    /// <summary>/etc/pve is there.</summary>
    Running,

    /// <summary>Ended cleanly: /etc/pve is an empty directory.</summary>
    Stopped,

    /// <summary>Ended by a signal: /etc/pve answers `Transport endpoint is not connected`.</summary>
    Killed,
}

/// <summary>One lab host as the lab keeps it: a few lines of <c>key value</c> text, read at each `pct`.</summary>
/// <param name="Name">The node's name in the cluster.</param>
/// <param name="IsOn">Whether the machine has power.</param>
/// <param name="Pmxcfs">Its file system daemon, when the machine is on.</param>
/// <param name="BootId">A new one for each boot.</param>
/// <param name="Replica">Number of the last write in its copy of /etc/pve. The highest one in a partition leads.</param>
/// <param name="MembersVersion">Counts what this host saw change in the membership, as in its <c>.members</c>.</param>
/// <param name="OnbootDone">Whether guests with <c>onboot</c> were started in this boot: that waits for quorum.</param>
/// <param name="Started">When its pmxcfs began, in Unix seconds.</param>
public sealed record HostState(
    string Name, bool IsOn, Pmxcfs Pmxcfs, string BootId, int Replica, int MembersVersion, bool OnbootDone, long Started = 0)
{
    /// <summary>Its votes, which the plan has.</summary>
    public int Votes { get; init; } = 1;

    /// <summary>The part of a cut network it is in; empty for the one that everybody is in at first, and the QDevice always.</summary>
    public string Island { get; init; } = "";

    /// <summary>Whether this boot comes to its end by a clean reboot.</summary>
    public bool IsRestarting { get; init; }

    /// <summary>The boot in which its LRM last wrote its status.</summary>
    public string LrmBoot { get; init; } = "";

    /// <summary>When it comes back from a reboot that takes its time, in Unix milliseconds; 0 when nothing is due.</summary>
    public long BackAt { get; init; }

    /// <summary>Whether its /etc/pve is alive: on, and pmxcfs runs.</summary>
    public bool HasPmxcfs => IsOn && Pmxcfs is Pmxcfs.Running;

    /// <summary>Whether a reboot that took its time is over.</summary>
    public bool IsDueBack(DateTimeOffset now) => !IsOn && BackAt > 0 && BackAt <= now.ToUnixTimeMilliseconds();

    /// <summary>The stored form.</summary>
    public string Format() => string.Create(CultureInfo.InvariantCulture,
        $"power {(IsOn ? "on" : "off")}\npmxcfs {PmxcfsWord}\nboot {BootId}\nreplica {Replica}\nmembers {MembersVersion}\nonboot {(OnbootDone ? "done" : "due")}\nstarted {Started}\nback {BackAt}\nisland {Island}\nrestarting {(IsRestarting ? "yes" : "no")}\nlrm {LrmBoot}\n");

    /// <summary>Reads the stored form. A missing line has the value of a host that was never started.</summary>
    public static HostState Parse(string name, string text)
    {
        var state = new HostState(name, IsOn: false, Pmxcfs.Stopped, BootId: "", Replica: 0, MembersVersion: 0, OnbootDone: false);
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var blank = line.IndexOf(' ', StringComparison.Ordinal);
            if (blank < 0) { continue; }
            var value = line[(blank + 1)..];
            state = line[..blank] switch
            {
                "power" => state with { IsOn = value == "on" },
                "pmxcfs" => state with { Pmxcfs = value switch { "running" => Pmxcfs.Running, "killed" => Pmxcfs.Killed, _ => Pmxcfs.Stopped } },
                "boot" => state with { BootId = value },
                "replica" => state with { Replica = int.Parse(value, CultureInfo.InvariantCulture) },
                "members" => state with { MembersVersion = int.Parse(value, CultureInfo.InvariantCulture) },
                "started" => state with { Started = long.Parse(value, CultureInfo.InvariantCulture) },
                "restarting" => state with { IsRestarting = value is "yes" },
                "lrm" => state with { LrmBoot = value },
                "island" => state with { Island = value },
                "back" => state with { BackAt = long.Parse(value, CultureInfo.InvariantCulture) },
                "onboot" => state with { OnbootDone = value == "done" },
                _ => state,
            };
        }

        return state;
    }

    private string PmxcfsWord => Pmxcfs switch { Pmxcfs.Running => "running", Pmxcfs.Killed => "killed", _ => "stopped" };
}
