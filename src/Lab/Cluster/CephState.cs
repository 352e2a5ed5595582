namespace NannyOrleans.Lab.Cluster;

/// <summary>What is set of a lab's Ceph: a health a person chose, and the flags of its OSD map.</summary>
/// <param name="Health">HEALTH_OK, or what something that does not belong to any host makes of it.</param>
/// <param name="Flags">Such as <c>noout</c>, sorted.</param>
internal sealed record CephState(string Health, IReadOnlyList<string> Flags)
{
    /// <summary>The healths there are.</summary>
    public static string[] Healths { get; } = ["HEALTH_OK", "HEALTH_WARN", "HEALTH_ERR"];

    /// <summary>The flags `ceph osd set` takes.</summary>
    public static string[] KnownFlags { get; } =
        ["full", "pause", "noup", "nodown", "noout", "noin", "nobackfill", "norebalance", "norecover", "noscrub", "nodeep-scrub", "notieragent", "nosnaptrim"];

    /// <summary>As it is set; null in a lab without Ceph.</summary>
    public static CephState? Read(LabDirectory directory, LabPlan plan)
    {
        if (plan.CephHealth is null) { return null; }
        return File.Exists(directory.CephFile) && File.ReadAllText(directory.CephFile).Split('\n') is [var health, var flags, ..]
            ? new(health, flags.Split(',', StringSplitOptions.RemoveEmptyEntries))
            : new(plan.CephHealth, []);
    }

    /// <summary>Changes it under the lock of the hosts' states.</summary>
    public static void Change(LabDirectory directory, LabPlan plan, Func<CephState, CephState> change)
    {
        using var held = directory.State();
        var now = Read(directory, plan) ?? throw new LabFailure("this lab has no Ceph: a plan's line `ceph HEALTH_OK` gives it one");
        var wanted = change(now);
        LabDirectory.Replace(directory.CephFile, $"{wanted.Health}\n{string.Join(',', wanted.Flags.Distinct().Order(StringComparer.Ordinal))}\n", LabDirectory.Readable);
    }
}
