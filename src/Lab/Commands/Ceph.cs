using System.Globalization;
using System.Text.Json.Nodes;
using NannyOrleans.Lab.Cluster;

namespace NannyOrleans.Lab.Commands;

/// <summary>`ceph` on a lab host, and the same through `pvesh`: one monitor and one OSD on each host, as all of them are on or not.</summary>
internal sealed class Ceph(LabHost host)
{
    private const int NoSuchFlag = 22; // EINVAL
    private const int PlacementGroups = 129;

    private readonly CephState? state = CephState.Read(host.Directory, host.Plan);

    /// <summary>Whether the lab has one.</summary>
    public bool IsThere => state is not null;

    /// <summary>Whether most monitors see each other where this host is: else nothing answers.</summary>
    public bool HasMonitors => Here.Count * 2 > host.All.Count;

    private List<string> Here => host.All.Where(h => Membership.Reaches(host.State, h)).Select(h => h.Name).ToList();

    /// <summary>`ceph status`, `health`, `osd set`, `osd unset` and `osd dump`, the first and last as JSON or not.</summary>
    public Answer Run(string[] words)
    {
        if (!host.State.IsOn) { return host.Unusable()!; }
        if (state is null) { return Answer.Dies(127, "ceph: command not found"); }
        var (plain, format, wrong) = Format(words);
        if (wrong is not null) { return wrong; }
        if (!HasMonitors) { return Answer.Dies(1, "[errno 110] RADOS timed out (error connecting to the cluster)"); }
        return plain switch
        {
            ["status"] or ["-s"] => format is null ? Answer.Says($"  cluster:\n    id:     {Id}\n    health: {Health}\n") : Json(Status(), format),
            ["health"] => format is null ? Answer.Says($"{Health}\n") : Json(HealthRow(), format),
            ["osd", "dump"] => format is null ? Answer.Says($"epoch 100\nfsid {Id}\nflags {string.Join(',', AllFlags)}\n") : Json(Dump(), format),
            ["osd", "set" or "unset", var flag] => Set(flag, plain[1] is "set"),
            _ => Answer.Dies(NoSuchFlag, $"nanny-lab: `ceph {string.Join(' ', words)}` is not in this lab"),
        };
    }

    /// <summary>Sets or takes a flag, as `ceph osd set` and `unset` do; repeating it changes nothing and says the same.</summary>
    public Answer Set(string flag, bool isSet)
    {
        if (!CephState.KnownFlags.Contains(flag)) { return Answer.Dies(NoSuchFlag, $"Invalid command: {flag} not in {string.Join('|', CephState.KnownFlags)}\nosd {(isSet ? "set" : "unset")} <key>\nError EINVAL: invalid command"); }
        CephState.Change(host.Directory, host.Plan, now => now with { Flags = isSet ? [.. now.Flags, flag] : [.. now.Flags.Where(f => f != flag)] });
        return new Answer.Ends(0, "", $"{flag} is {(isSet ? "set" : "unset")}\n");
    }

    /// <summary>/cluster/ceph/flags.</summary>
    public JsonArray Flags() => new([.. CephState.KnownFlags.Where(f => f is not "full" and not "nosnaptrim").Order(StringComparer.Ordinal)
        .Select(f => (JsonNode)PerlJson.Object(("description", $"Flag {f} of the OSD map."), ("name", f), ("value", IsSet(f) ? 1 : 0)))]);

    /// <summary>Whether a flag is set.</summary>
    public bool IsSet(string flag) => state!.Flags.Contains(flag);

    /// <summary>`ceph status --format json`, which is also /cluster/ceph/status.</summary>
    public JsonObject Status()
    {
        var (all, up) = (host.All.Count, Here.Count);
        var states = up == all
            ? new JsonArray(PerlJson.Object(("count", PlacementGroups), ("state_name", "active+clean")))
            : new JsonArray(PerlJson.Object(("count", PlacementGroups), ("state_name", "active+undersized+degraded")));
        return PerlJson.Object(
            ("fsid", Id), ("health", HealthRow()),
            ("osdmap", PerlJson.Object(("epoch", 100), ("num_in_osds", all), ("num_osds", all), ("num_remapped_pgs", 0), ("num_up_osds", up))),
            ("pgmap", PerlJson.Object(
                ("bytes_avail", 300L << 30), ("bytes_total", 400L << 30), ("bytes_used", 100L << 30), ("num_pgs", PlacementGroups), ("pgs_by_state", states))),
            ("quorum_names", new JsonArray([.. Here.Select(name => (JsonNode)name)])));
    }

    private static string Id => "00000000-1111-2222-3333-444444444444";

    private string Health => state!.Health is "HEALTH_ERR" ? "HEALTH_ERR" : Checks().Count > 0 ? "HEALTH_WARN" : "HEALTH_OK";

    private IEnumerable<string> AllFlags => [.. state!.Flags, "sortbitwise", "recovery_deletes", "purged_snapdirs", "pglog_hardlimit"];

    private JsonObject HealthRow() => PerlJson.Object(("checks", Checks()), ("mutes", new JsonArray()), ("status", Health));

    private JsonObject Checks()
    {
        var (all, up) = (host.All.Count, Here.Count);
        var checks = new JsonObject();
        if (state!.Health is not "HEALTH_OK") { Add("OSD_NEARFULL", 1, "1 nearfull osd(s)", state.Health); }
        if (state.Flags.Count > 0) { Add("OSDMAP_FLAGS", state.Flags.Count, $"{string.Join(',', state.Flags)} flag(s) set"); }
        if (up == all) { return checks; }
        Add("MON_DOWN", all - up, $"{all - up}/{all} mons down, quorum {string.Join(',', Here)}");
        Add("OSD_DOWN", all - up, $"{all - up} osds down");
        Add("OSD_HOST_DOWN", all - up, $"{all - up} host{(all - up is 1 ? "" : "s")} ({all - up} osds) down");
        Add("PG_DEGRADED", PlacementGroups, $"Degraded data redundancy: {PlacementGroups} pgs degraded, {PlacementGroups} pgs undersized");
        return checks;

        void Add(string code, int count, string message, string severity = "HEALTH_WARN") => checks[code] = PerlJson.Object(
            ("muted", false), ("severity", severity), ("summary", PerlJson.Object(("count", count), ("message", message))));
    }

    private JsonObject Dump() => PerlJson.Object(
        ("epoch", 100), ("fsid", Id), ("flags", string.Join(',', AllFlags)), ("flags_set", new JsonArray([.. AllFlags.Order(StringComparer.Ordinal).Select(f => (JsonNode)f)])),
        ("osds", new JsonArray([.. host.All.Select((h, i) => PerlJson.Object(("in", 1), ("osd", i), ("up", Here.Contains(h.Name) ? 1 : 0)))])));

    /// <summary>Ceph's own JSON begins with an empty line.</summary>
    private static Answer Json(JsonNode node, string format) => Answer.Says("\n" + (format is "json" ? PerlJson.Line(node) : PerlJson.Pretty(node)));

    private static (string[] Plain, string? Format, Answer? Wrong) Format(string[] words)
    {
        string? format = null;
        var plain = new List<string>();
        for (var i = 0; i < words.Length; i++)
        {
            if (words[i] is "-f" or "--format") { format = ++i < words.Length ? words[i] : ""; }
            else if (words[i].StartsWith("--format=", StringComparison.Ordinal)) { format = words[i]["--format=".Length..]; }
            // How long to wait for monitors: a lab's do not let anybody wait.
            else if (words[i].StartsWith("--connect-timeout", StringComparison.Ordinal)) { i += words[i].Contains('=', StringComparison.Ordinal) ? 0 : 1; }
            else { plain.Add(words[i]); }
        }

        return format is null or "json" or "json-pretty"
            ? ([.. plain], format, null)
            : ([], null, Answer.Dies(NoSuchFlag, string.Create(CultureInfo.InvariantCulture, $"ceph: error: argument -f/--format: invalid choice: '{format}'")));
    }
}
