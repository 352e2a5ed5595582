using System.Globalization;
using System.Text;

namespace NannyOrleans.Lab;

/// <summary>One host of a lab.</summary>
/// <param name="Name">pve1, pve2, ...</param>
/// <param name="Id">Corosync's nodeid, from 1.</param>
/// <param name="Ip">An address that nothing answers at: it stands in files only.</param>
/// <param name="Release">Its Proxmox VE: 7.4, 8.2, 8.4 or 9.2. A cluster may mix them, as during an upgrade.</param>
/// <param name="Votes">Its <c>quorum_votes</c>, 0 to 255: 1 unless somebody wrote another number.</param>
public sealed record PlannedHost(string Name, int Id, string Ip, string Release = PveRelease.Usual, int Votes = 1)
{
    private const string VotesWord = "votes=";

    /// <summary>Reads a line <c>host ID NAME IP [RELEASE] [votes=N]</c> without its first word.</summary>
    public static PlannedHost Parse(string value)
    {
        var words = value.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (words.Length < 3 || !int.TryParse(words[0], CultureInfo.InvariantCulture, out var id)) { throw new LabFailure($"`host {value}`: a host's line is `host ID NAME IP [RELEASE] [votes=N]`"); }
        var host = new PlannedHost(words[1], id, words[2]);
        foreach (var word in words.Skip(3))
        {
            host = !word.StartsWith(VotesWord, StringComparison.Ordinal) ? host with { Release = PveRelease.Of(word).Name }
                : byte.TryParse(word[VotesWord.Length..], CultureInfo.InvariantCulture, out var votes) ? host with { Votes = votes }
                : throw new LabFailure($"`{word}` in a line `host`: votes= takes 0 to 255");
        }

        return host;
    }

    /// <summary>The line's words after <c>host</c>.</summary>
    public string Format() => string.Create(CultureInfo.InvariantCulture, $"{Id} {Name} {Ip} {Release}{(Votes is 1 ? "" : $" {VotesWord}{Votes}")}");
}

/// <summary>One guest of a lab, as `up` makes it.</summary>
/// <param name="Vmid">Its id in the cluster.</param>
/// <param name="Name">Hostname of a CT, name of a VM.</param>
/// <param name="Node">The host it is made on.</param>
/// <param name="Kind"><c>lxc</c> or <c>qemu</c>. A VM is a conf file, and a process without anything in it while it is on.</param>
/// <param name="IsWanted">Whether `up` wants it running.</param>
/// <param name="Family">Of a container: <c>apt</c>, <c>dnf</c>, <c>zypper</c> or <c>pacman</c>.</param>
public sealed record PlannedGuest(int Vmid, string Name, string Node, string Kind, bool IsWanted, string Family = "apt")
{
    /// <summary>The families there are.</summary>
    public static IReadOnlyList<string> Families { get; } = ["apt", "dnf", "zypper", "pacman"];

    /// <summary>What Proxmox VE writes as <c>ostype</c> into its conf.</summary>
    public string OsType => Family switch { "dnf" => "centos", "zypper" => "opensuse", "pacman" => "archlinux", _ => "debian" };

    /// <summary>The family of a plan's word <c>family=NAME</c>.</summary>
    public static string FamilyOf(string word) => word.StartsWith("family=", StringComparison.Ordinal) && Families.Contains(word["family=".Length..])
        ? word["family=".Length..]
        : throw new LabFailure($"`{word}` in a line `guest`: family= takes one of {string.Join(' ', Families)}");
}

/// <summary>What a lab is meant to be. Kept as text in <c>lab.conf</c>, which also marks a directory as a lab.</summary>
/// <param name="Hosts">In the order of their ids.</param>
/// <param name="Guests">In the order of their vmids.</param>
/// <param name="SimulatedReason">Why guests are simulated; null when they are real containers.</param>
/// <param name="CommandCost">CPU time each PVE command burns before it works, as Perl does on a real host.</param>
/// <param name="Base">Root file system of the containers; empty when they are simulated.</param>
public sealed record LabPlan(
    IReadOnlyList<PlannedHost> Hosts, IReadOnlyList<PlannedGuest> Guests, string? SimulatedReason, TimeSpan CommandCost, string Base)
{
    /// <summary>Name of every lab's cluster.</summary>
    public const string ClusterName = "lab";

    private static readonly string[] Names =
        ["web-server-01", "db-server-01", "cache-server", "monitoring", "dns-server", "proxy-server"];

    /// <summary>Time of one round of HA: ten seconds on a real cluster.</summary>
    public TimeSpan HaRound { get; init; } = UsualHaRound;

    /// <summary>As on a real cluster.</summary>
    public static TimeSpan UsualHaRound { get; } = TimeSpan.FromSeconds(10);

    /// <summary>Address of the QDevice; null when the cluster has none.</summary>
    public string? QdeviceIp { get; init; }

    /// <summary>What `ceph status` says of the cluster's health; null when Ceph is not installed.</summary>
    public string? CephHealth { get; init; }

    /// <summary>The vmids that HA manages from the start.</summary>
    public IReadOnlyList<int> HaVmids { get; init; } = [];

    /// <summary>The release of one host.</summary>
    public PveRelease ReleaseOf(string host) => PveRelease.Of(Hosts.Single(h => h.Name == host).Release);

    /// <summary>Whether guests are directories instead of containers.</summary>
    public bool IsSimulated => SimulatedReason is not null;

    /// <summary>A single host is a standalone one, without corosync.</summary>
    public bool IsClustered => Hosts.Count > 1;

    /// <summary>The plan for so many hosts and containers, with two VMs that are always there.</summary>
    public static LabPlan For(
        int hosts, int containers, int stopped, string? simulatedReason, TimeSpan commandCost, string baseDirectory, string release = PveRelease.Usual)
    {
        var plannedHosts = Enumerable.Range(1, hosts)
            .Select(id => new PlannedHost($"pve{id}", id, $"10.99.0.{10 + id}", PveRelease.Of(release).Name)).ToList();
        var guests = Enumerable.Range(0, containers + stopped)
            .Select(i => new PlannedGuest(
                // 200 and 201 are the VMs: a lab of more than a hundred containers goes on at 1100.
                i < 100 ? 100 + i : 1000 + i,
                i < Names.Length ? Names[i] : $"app-server-{i + 1:00}",
                // In blocks, so that neighbours share a host as in the integration guide.
                plannedHosts[i < containers ? i * hosts / containers : (i - containers) % hosts].Name,
                "lxc",
                IsWanted: i < containers))
            .ToList();
        guests.Add(new(200, "windows-server", plannedHosts[0].Name, "qemu", IsWanted: false));
        guests.Add(new(201, "k8s-node-01", plannedHosts[Math.Min(1, hosts - 1)].Name, "qemu", IsWanted: false));
        guests.Sort((a, b) => a.Vmid.CompareTo(b.Vmid));
        return new(plannedHosts, guests, simulatedReason, commandCost, baseDirectory);
    }

    /// <summary>The stored form.</summary>
    public string Format()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"command-cost-ms {CommandCost.TotalMilliseconds:0}\n");
        text.Append("base ").Append(Base).Append('\n');
        if (SimulatedReason is not null) { text.Append("simulated ").Append(SimulatedReason).Append('\n'); }
        foreach (var host in Hosts) { text.Append(CultureInfo.InvariantCulture, $"host {host.Format()}\n"); }
        foreach (var guest in Guests)
        {
            text.Append(CultureInfo.InvariantCulture, $"guest {guest.Vmid} {guest.Kind} {guest.Node} {(guest.IsWanted ? "on" : "off")} {guest.Name}{(guest.Family is "apt" ? "" : $" family={guest.Family}")}\n");
        }

        if (QdeviceIp is not null) { text.Append(CultureInfo.InvariantCulture, $"qdevice {QdeviceIp}\n"); }
        if (CephHealth is not null) { text.Append(CultureInfo.InvariantCulture, $"ceph {CephHealth}\n"); }
        if (HaRound != UsualHaRound) { text.Append(CultureInfo.InvariantCulture, $"ha-round-seconds {HaRound.TotalSeconds}\n"); }
        foreach (var vmid in HaVmids) { text.Append(CultureInfo.InvariantCulture, $"ha {vmid}\n"); }
        return text.ToString();
    }

    /// <summary>Reads the stored form.</summary>
    public static LabPlan Parse(string text)
    {
        var plan = new LabPlan([], [], null, TimeSpan.Zero, "");
        var hosts = new List<PlannedHost>();
        var guests = new List<PlannedGuest>();
        var managed = new List<int>();
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var blank = line.IndexOf(' ', StringComparison.Ordinal);
            var value = line[(blank + 1)..];
            switch (line[..Math.Max(blank, 0)])
            {
                case "command-cost-ms":
                    plan = plan with { CommandCost = TimeSpan.FromMilliseconds(int.Parse(value, CultureInfo.InvariantCulture)) };
                    break;
                case "base":
                    plan = plan with { Base = value };
                    break;
                case "simulated":
                    plan = plan with { SimulatedReason = value };
                    break;
                case "host":
                    hosts.Add(PlannedHost.Parse(value));
                    break;
                case "qdevice":
                    plan = plan with { QdeviceIp = value };
                    break;
                case "ceph":
                    plan = plan with { CephHealth = value };
                    break;
                case "ha-round-seconds":
                    plan = plan with { HaRound = TimeSpan.FromSeconds(double.Parse(value, CultureInfo.InvariantCulture)) };
                    break;
                case "ha":
                    managed.Add(int.Parse(value, CultureInfo.InvariantCulture));
                    break;
                case "guest":
                    var g = value.Split(' ');
                    guests.Add(new(int.Parse(g[0], CultureInfo.InvariantCulture), g[4], g[2], g[1], g[3] == "on", g.Length > 5 ? PlannedGuest.FamilyOf(g[5]) : "apt"));
                    break;
            }
        }

        return plan with { Hosts = hosts, Guests = guests, HaVmids = managed };
    }
}
