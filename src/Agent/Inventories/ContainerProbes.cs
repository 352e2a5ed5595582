using System.Globalization;
using NannyOrleans.Agent.Configuration;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Agent.Inventories;

/// <summary>
/// What is found out inside containers, remembered: one is entered only when it is new, was started anew, or its configuration changed. A
/// container that does not answer is tried again, ever more rarely, and after all others. Not for use from two places at once.
/// </summary>
internal sealed class ContainerProbes(Host host, ContainerProbe how, StartTimes starts, TimeProvider clock)
{
    private readonly Programs programs = new(host);
    private readonly NetworkFiles network = new();
    private readonly Dictionary<Vmid, Known> known = [];

    /// <summary>Looks at this round's containers, as far as its time goes.</summary>
    /// <param name="present">All containers that may be entered.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task Look(IReadOnlyList<Enterable> present, CancellationToken cancellationToken)
    {
        Forget(present);
        var began = clock.GetTimestamp();
        var due = new List<Known>();
        foreach (var container in present)
        {
            var one = known.TryGetValue(container.Vmid, out var old) ? old : known[container.Vmid] = new(container.Vmid);
            Note(one, container.Status, container.Conf);
            if (one.Running)
            {
                due.Add(one);
            }
        }

        // Those never tried come first, so that one that hangs does not hold up the others round after round.
        due.Sort((one, other) => one.Tried.CompareTo(other.Tried) is not 0 and var order ? order : one.Vmid.CompareTo(other.Vmid));
        foreach (var one in due)
        {
            await Look(one, began, cancellationToken);
        }
    }

    /// <summary>The container's system; null when it is not known. Of one that does not run, what it was.</summary>
    public OsRelease? Os(Vmid vmid) => known.GetValueOrDefault(vmid)?.Os;

    /// <summary>The first process of a container that runs; null when it is not known.</summary>
    public ProcessStat? Init(Vmid vmid) => known.GetValueOrDefault(vmid) is { Running: true } one ? one.Init : null;

    /// <summary>The addresses of a container that runs; null when they are not known.</summary>
    public IReadOnlyList<string>? Addresses(Vmid vmid) => known.GetValueOrDefault(vmid) is { Running: true } one ? one.Addresses : null;

    /// <summary>Why something of it is not known; null when nothing is.</summary>
    public string? Problem(Vmid vmid) => known.GetValueOrDefault(vmid) is { } one ? Joined(one.OsProblem, one.InitProblem) : null;

    /// <summary>Has a container's system read again, or that of all.</summary>
    public void Forget(Vmid? vmid)
    {
        if (vmid is { } one)
        {
            known.Remove(one);
        }
        else
        {
            known.Clear();
        }
    }

    private void Forget(IReadOnlyList<Enterable> present)
    {
        var still = new HashSet<Vmid>();
        foreach (var one in present)
        {
            still.Add(one.Vmid);
        }

        foreach (var vmid in known.Keys)
        {
            if (!still.Contains(vmid))
            {
                known.Remove(vmid);
            }
        }
    }

    private void Note(Known one, GuestStatus status, string conf)
    {
        one.Running = status is GuestStatus.Running;
        var changed = string.GetHashCode(conf, StringComparison.Ordinal);
        if (one.Conf != changed || status is GuestStatus.Stopped || (one.Init is { } init && !starts.IsAlive(init)))
        {
            // What it was stays worth knowing, but it may have been restored or replaced.
            one.Fresh = false;
            one.Failures = 0;
            one.Tried = long.MinValue;
            (one.OsProblem, one.InitProblem) = (null, null);
        }

        one.Init = one.Init is { } still && starts.IsAlive(still) ? still : null;
        one.Conf = changed;
    }

    private async Task Look(Known one, long began, CancellationToken cancellationToken)
    {
        var mayTry = one.Failures < 2 || clock.GetElapsedTime(one.Tried) >= Patience(one.Failures);
        if ((one.Fresh && one.Init is not null) || !mayTry)
        {
            ReadAddresses(one);
            return;
        }

        if (clock.GetElapsedTime(began) > RoundLimit)
        {
            one.OsProblem ??= one.Fresh ? null : "os-release not read yet: this round had no time left for it";
            ReadAddresses(one);
            return;
        }

        one.Tried = clock.GetTimestamp();
        if (one.Init is null)
        {
            (one.Init, one.InitProblem) = await FindInit(one.Vmid, cancellationToken);
        }

        if (!one.Fresh)
        {
            var end = await ReadInside(one.Vmid, cancellationToken);
            var release = end.Problem is null ? OsReleaseFile.Parse(end.Output) : null;
            one.Os = release;
            one.OsProblem = end.Problem ?? (release is null ? "/etc/os-release has no line that can be read" : null);
            one.Fresh = release is not null;
        }

        one.Failures = one.OsProblem is null && one.InitProblem is null ? 0 : one.Failures + 1;
        ReadAddresses(one);
    }

    // lxc-attach is what pct exec ends in, after most of a CPU second.
    private Task<ProgramEnd> ReadInside(Vmid vmid, CancellationToken cancellationToken)
    {
        var direct = how is ContainerProbe.LxcAttach && programs.Find("lxc-attach") is not null;
        return direct
            ? programs.Run("lxc-attach", ["-n", vmid.ToString(), "--", "cat", "/etc/os-release"], ReadLimit, OutputLimit, cancellationToken)
            : programs.Run("pct", ["exec", vmid.ToString(), "--", "cat", "/etc/os-release"], ReadLimit, OutputLimit, cancellationToken);
    }

    private async Task<(ProcessStat? Init, string? Problem)> FindInit(Vmid vmid, CancellationToken cancellationToken)
    {
        var end = await programs.Run("lxc-info", ["-n", vmid.ToString(), "-pH"], ReadLimit, OutputLimit, cancellationToken);
        return end switch
        {
            { Problem: { } problem } => (null, problem),
            _ when int.TryParse(end.Output.AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) && starts.Process(pid) is { } process => (process, null),
            _ => (null, "lxc-info names no process of it"),
        };
    }

    // The kernel's own files of the container's network: no path of the container is followed.
    private void ReadAddresses(Known one)
    {
        one.Addresses = null;
        if (one.Init is { } init)
        {
            var found = network.Addresses(string.Create(CultureInfo.InvariantCulture, $"/proc/{init.Pid}/net"), out var problem);
            var same = starts.IsAlive(init); // else it was some other process'
            one.Addresses = same ? found is { Count: > MostAddresses } ? [.. found.Take(MostAddresses)] : found : null;
            one.InitProblem = same ? problem : "it ended while its addresses were read";
        }
    }

    private static string? Joined(string? one, string? other) => (one, other) switch
    {
        (null, _) => other,
        (_, null) => one,
        _ => $"{one}; {other}",
    };

    // 5 minutes after the second failure, then twice as long each time, up to an hour.
    private static TimeSpan Patience(int failures) => TimeSpan.FromMinutes(Math.Min(60, 5 << Math.Min(failures - 2, 4)));

    /// <summary>The most addresses of one guest.</summary>
    public const int MostAddresses = 32;

    private static readonly TimeSpan ReadLimit = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan RoundLimit = TimeSpan.FromSeconds(60);
    private const int OutputLimit = 64 * 1024;

    /// <summary>A container that may be entered.</summary>
    /// <param name="Vmid">Its number.</param>
    /// <param name="Status">Its state.</param>
    /// <param name="Conf">Its configuration's text.</param>
    public sealed record Enterable(Vmid Vmid, GuestStatus Status, string Conf);

    private sealed class Known(Vmid vmid)
    {
        public Vmid Vmid => vmid;
        public bool Running;
        public int Conf;
        public OsRelease? Os;
        public string? OsProblem;
        public bool Fresh;
        public ProcessStat? Init;
        public string? InitProblem;
        public IReadOnlyList<string>? Addresses;
        public int Failures;
        public long Tried = long.MinValue;
    }
}
