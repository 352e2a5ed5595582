using System.Text;
using NannyOrleans.Lab.Cluster;
using NannyOrleans.Lab.Linux;

namespace NannyOrleans.Lab;

/// <summary>Where things are in a lab's directory. Everything a lab has is in there, so that `down` can take it all.</summary>
internal sealed class LabDirectory(string path)
{
    /// <summary>Bytes of the longest path: LXC's command socket has the container's path in its name, 107 bytes in all.</summary>
    private const int LongestPath = 80;

    /// <summary>Absolute, without a slash at the end.</summary>
    public string Path { get; } = path;

    public string ControlLock => $"{Path}/control.lock";
    public string StateLock => $"{Path}/state.lock";
    public string PlanFile => $"{Path}/lab.conf";
    public string Lxc => $"{Path}/lxc";

    /// <summary>The lxcpath of what is no guest: the hosts' own systems, and what is inside VMs.</summary>
    public string Roots => $"{Path}/roots";

    public string ChangesFile => $"{Path}/state/changes";
    public string VmListFile => $"{Path}/state/vmlist";

    /// <summary>What stands for /proc/net/unix where guests are simulated.</summary>
    public string SimulatedSockets => $"{Path}/simulated/unix";

    /// <summary>What stands for the control groups there.</summary>
    public string SimulatedGroups => $"{Path}/simulated/cgroup";

    /// <summary>Held by the lab's daemon as long as it lives: there is one of a lab.</summary>
    public string DaemonLock => $"{Path}/state/daemon.lock";

    /// <summary>The process of the daemon.</summary>
    public string DaemonFile => $"{Path}/state/daemon";

    /// <summary>How a host's next reboots go; without the file as they should.</summary>
    public string RebootAsFile(string host) => $"{Path}/state/reboot-as-{host}";

    /// <summary>How long a migration copies, in seconds; without the file no time at all.</summary>
    public string MigrationTimeFile => $"{Path}/state/migration-takes";

    /// <summary>Each change of the votes that are online, since the lab is up or <c>referee --restart</c>.</summary>
    public string RefereeFile => $"{Path}/referee.log";

    /// <summary>Health and flags of Ceph, once somebody changed them.</summary>
    public string CephFile => $"{Path}/state/ceph";

    public bool IsLab => File.Exists(PlanFile);

    /// <summary>Whether a lab would have something of this name.</summary>
    public static bool IsOwnName(string name) =>
        name is "control.lock" or "referee.log" or "state.lock" or "state" or "hosts" or "lxc" or "roots" or "guests" or "simulated" or "vms" || name.StartsWith("lab.conf", StringComparison.Ordinal);

    public string Host(string name) => $"{Path}/hosts/{name}";
    public string StateFile(string name) => $"{Path}/state/{name}";
    public string Container(int vmid) => $"{Path}/lxc/{vmid}";
    public string SimulatedGuest(int vmid) => $"{Path}/guests/{vmid}";

    /// <summary>/etc/pve of a host, whether its pmxcfs runs or not.</summary>
    public string EtcPve(string host) => $"{Host(host)}/etc/pve";

    /// <summary>Where a host's copy is while its pmxcfs does not run, as a real one's database stays on its disk.</summary>
    public string RestingReplica(string host) => $"{Host(host)}/var/lib/pve-cluster/pve";

    /// <summary>A name for this lab where only short plain names are possible, such as a control group.</summary>
    public string Tag => $"nanny-lab-{Fingerprint(Path):x16}";

    /// <summary>The plan as it was asked for, without the guests that were destroyed since.</summary>
    public LabPlan ReadPlan() => WithoutForgotten(LabPlan.Parse(File.ReadAllText(PlanFile)));

    public LabPlan WithoutForgotten(LabPlan plan)
    {
        if (!File.Exists(ForgottenFile)) { return plan; }
        var gone = File.ReadAllLines(ForgottenFile).ToHashSet();
        return plan with { Guests = plan.Guests.Where(g => !gone.Contains($"{g.Vmid}")).ToList() };
    }

    /// <summary>Leaves a guest out of the plan from now on.</summary>
    public void ForgetGuest(int vmid) =>
        Replace(ForgottenFile, (File.Exists(ForgottenFile) ? File.ReadAllText(ForgottenFile) : "") + $"{vmid}\n", Readable);

    /// <summary>The plan, or the message for a person when this is no lab.</summary>
    public LabPlan RequirePlan() => IsLab ? ReadPlan() : throw new LabFailure($"no lab in {Path}: `nanny-lab up` makes one");

    private string ForgottenFile => $"{Path}/state/destroyed";

    public List<HostState> ReadHosts(LabPlan plan) => plan.Hosts
        .Select(h => HostState.Parse(h.Name, File.Exists(StateFile(h.Name)) ? File.ReadAllText(StateFile(h.Name)) : "") with { Votes = h.Votes })
        .ToList();

    /// <summary>The vote of the QDevice at this moment. With an odd number of hosts it has one less than all of them together.</summary>
    public Qdevice Qdevice(LabPlan plan) => plan.QdeviceIp is null
        ? default
        : new(plan.Hosts.Count % 2 is 0 ? 1 : plan.Hosts.Count - 1, IsCasting: !File.Exists(QdeviceOffMark));

    public string QdeviceOffMark => $"{Path}/state/qdevice-off";

    /// <summary>Takes the lab for one verb, so that `up` and `down` cannot work at once.</summary>
    public LockFile Control(Action<string> say)
    {
        Directory.CreateDirectory(Path);
        return LockFile.Take(ControlLock, TimeSpan.FromMinutes(10), () => say("waiting for another nanny-lab that works on this lab"))
            ?? throw new LabFailure($"another nanny-lab has held {ControlLock} for ten minutes");
    }

    /// <summary>The one lock for states and replicas of all hosts. Held for milliseconds.</summary>
    public LockFile State() => LockFile.Take(StateLock, TimeSpan.FromMinutes(1))
        ?? throw new LabFailure($"{StateLock} has been held for a minute");

    /// <summary>The directory a person named, or the usual one; refuses one that cannot hold a lab.</summary>
    public static LabDirectory At(string? asked)
    {
        var path = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(asked ?? Usual("/var/lib/nanny-lab", ".local/share/nanny-lab")));
        if (Encoding.UTF8.GetByteCount(path) > LongestPath)
        {
            throw new LabFailure($"--dir {path} is longer than {LongestPath} bytes: LXC's sockets would not have room for it");
        }

        return path.AsSpan().ContainsAny(" :,'\"\\\n\t")
            ? throw new LabFailure($"--dir {path}: blanks, quotes, colons and commas mean something in LXC's files")
            : new(path);
    }

    /// <summary>The usual place for root, or for a user below the home directory.</summary>
    public static string Usual(string forRoot, string forUser) => Native.IsRoot
        ? forRoot
        : $"{Environment.GetEnvironmentVariable("HOME") ?? throw new LabFailure("HOME is not set: name a directory with --dir")}/{forUser}";

    /// <summary>For files anyone may read: a PVE command must get as far as saying `please run as root`.</summary>
    public const UnixFileMode Readable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    /// <summary>Writes a file so that a reader, or a crash, sees the old or the new content and nothing between.</summary>
    public static void Replace(string file, string content, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead)
    {
        var temporary = $"{file}.tmp.{Environment.ProcessId}";
        File.WriteAllText(temporary, content);
        File.SetUnixFileMode(temporary, mode);
        File.Move(temporary, file, overwrite: true);
    }

    private static ulong Fingerprint(string text)
    {
        var hash = 14695981039346656037ul; // FNV-1a: the same in every process, unlike string.GetHashCode
        foreach (var b in Encoding.UTF8.GetBytes(text)) { hash = (hash ^ b) * 1099511628211ul; }
        return hash;
    }
}
