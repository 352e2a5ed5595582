using NannyOrleans.Lab.Cluster;
using NannyOrleans.Lab.Guests;
using NannyOrleans.Lab.Linux;

namespace NannyOrleans.Lab.Commands;

/// <summary>The host a PVE command runs on, with the checks all of them share.</summary>
internal sealed class LabHost
{
    private LabStatus? status;

    private LabHost(LabDirectory directory, LabPlan plan, HostState state, IReadOnlyList<HostState> all)
    {
        Directory = directory;
        Plan = plan;
        State = state;
        All = all;
        IsQuorate = Membership.IsQuorate(state, all, directory.Qdevice(plan));
        Release = plan.ReleaseOf(state.Name);
        Guests = plan.IsSimulated ? new SimulatedGuests(directory) : new Containers(directory);
    }

    public LabDirectory Directory { get; }
    public LabPlan Plan { get; }
    public HostState State { get; }
    public IReadOnlyList<HostState> All { get; }
    public bool IsQuorate { get; }
    public PveRelease Release { get; }
    public IGuests Guests { get; }
    public string Name => State.Name;

    /// <summary>Its copy of /etc/pve.</summary>
    public string EtcPve => Directory.EtcPve(Name);

    /// <summary>What runs, looked up when it is asked for.</summary>
    public LabStatus Status => status ??= new(Directory, Plan);

    /// <summary>Another host of the lab, as a command there would see it.</summary>
    public LabHost At(string name) => new(Directory, Plan, All.Single(h => h.Name == name), All);

    /// <summary>Reads the lab for one command; burns what Perl would.</summary>
    public static LabHost Open(LabDirectory directory, string name)
    {
        var plan = directory.ReadPlan();
        var all = directory.ReadHosts(plan);
        Burn(plan.CommandCost);
        return new(directory, plan, all.Single(h => h.Name == name), all);
    }

    /// <summary>Why nothing can run here at all; null when it can.</summary>
    public Answer? Unusable()
    {
        if (!State.IsOn) { return Answer.Dies(255, $"nanny-lab: host {Name} is switched off, nothing runs on it"); }
        if (!State.HasPmxcfs) { return NoPmxcfs(111, "Connection refused"); }

        // A lab of simulated guests belongs to the user who made it: there is no root to be.
        if (Plan.IsSimulated || Native.IsRoot) { return null; }
        return Native.User is 33 ? Answer.Dies(255, "please run as root") : NoPmxcfs(255, "Unknown error -1");
    }

    /// <summary>What every command says without pmxcfs.</summary>
    public static Answer.Ends NoPmxcfs(int code, string reason) => new(code, "",
        $"ipcc_send_rec[1] failed: {reason}\nipcc_send_rec[2] failed: {reason}\nipcc_send_rec[3] failed: {reason}\nUnable to load access control list: {reason}\n");

    /// <summary>A guest's conf on this host, or null. Parse warnings are added to <paramref name="warnings"/>.</summary>
    public GuestConf? Conf(string folder, int vmid, ref string warnings)
    {
        var file = $"{Directory.EtcPve(Name)}/{ConfPath(folder, vmid)}";
        if (!File.Exists(file)) { return null; }
        var conf = GuestConf.Parse(File.ReadAllText(file));
        foreach (var line in conf.Unparsable) { warnings += $"vm {vmid} - unable to parse config: {line}\n"; }
        return conf;
    }

    /// <summary>The vmids this host has files for; also ones below 100, which make lists fail as on a real host.</summary>
    public IReadOnlyList<int> Vmids(string folder)
    {
        var vmids = new List<int>();
        foreach (var file in System.IO.Directory.EnumerateFiles($"{Directory.EtcPve(Name)}/nodes/{Name}/{folder}", "*.conf"))
        {
            if (int.TryParse(Path.GetFileNameWithoutExtension(file), out var vmid)) { vmids.Add(vmid); }
        }

        vmids.Sort();
        return vmids;
    }

    public string ConfPath(string folder, int vmid) => $"nodes/{Name}/{folder}/{vmid}.conf";

    public Answer Missing(string folder, int vmid, int code) => Answer.Dies(code, $"Configuration file '{ConfPath(folder, vmid)}' does not exist");

    /// <summary>Writes a conf to the cluster; without quorum the answer is EACCES' message.</summary>
    public Answer Save(string folder, int vmid, GuestConf conf, string warnings)
    {
        var path = ConfPath(folder, vmid);
        return new ClusterFiles(Directory, Plan).Write(Name, path, conf.Format())
            ? new Answer.Ends(0, "", warnings)
            : new Answer.Ends(2, "", $"{warnings}unable to open file '/etc/pve/{path}.tmp.{Environment.ProcessId}' - Permission denied\n");
    }

    /// <summary>The flock one guest's changes are made under, for ten seconds as on a real host.</summary>
    /// <returns>The lock, or the answer when another command keeps it.</returns>
    public (LockFile? Held, Answer? TimedOut) LockGuest(int vmid)
    {
        var path = $"/run/lock/lxc/pve-config-{vmid}.lock";
        var waited = false;
        var held = LockFile.Take($"{Directory.Host(Name)}{path}", TimeSpan.FromSeconds(10), () =>
        {
            waited = true;
            Native.Write(2, "trying to acquire lock...");
        });
        if (held is null) { return (null, Answer.Dies(255, $"can't lock file '{path}' - got timeout")); }
        if (waited) { Native.Write(2, " OK\n"); }
        return (held, null);
    }

    private static void Burn(TimeSpan cost)
    {
        if (cost == TimeSpan.Zero) { return; }
        using var self = System.Diagnostics.Process.GetCurrentProcess();
        while (self.TotalProcessorTime < cost)
        {
            Thread.SpinWait(100_000);
            self.Refresh();
        }
    }
}
