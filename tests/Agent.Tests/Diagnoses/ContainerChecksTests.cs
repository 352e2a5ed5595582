using NannyOrleans.Agent.Diagnoses;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Tests.Diagnoses;

public sealed class ContainerChecksTests
{
    private static readonly InsideSeen Healthy = new()
    {
        Os = new("debian", [], "13", "Debian GNU/Linux 13 (trixie)"),
        PackageTools = ["apt-get"],
        Sources = [new("/etc/apt/sources.list", "deb http://deb.example.org/debian trixie main\n")],
        HasDefaultRoute = true,
        FreeKibibytes = [4_000_000, 4_000_000],
        MemoryKibibytes = 400_000,
        Database = [],
    };

    private static readonly ContainerSeen Well = new(GuestConf.Parse(GuestType.Lxc, "ostype: debian\n"), new(GuestStatus.Running, new(1, 2), null))
    {
        Uid = "0",
        Look = new() { Seen = Healthy, LookedUp = "deb.example.org", Resolves = true },
    };

    [Fact]
    public void A_healthy_container_is_well_in_every_respect()
    {
        var checks = ContainerChecks.Of(new Vmid(100), Well, "debian");
        Assert.Equal(
            ["node", "status", "template", "lock", "exec-as-root", "os", "package-manager", "package-sources", "network", "disk-space", "memory", "package-database"],
            checks.Select(check => check.Name));
        Assert.All(checks, check => Assert.Equal((CheckResult.Ok, null), (check.Result, check.Advice)));
    }

    public static TheoryData<string, string, string, string, string?> Cases => new()
    {
        // case, check, result, in the message, in the advice
        { "stopped", "status", "Problem", "is stopped", "pct start 100" },
        { "stopped", "exec-as-root", "Unknown", "does not run", null },
        { "stopped", "disk-space", "Unknown", "does not run", null },
        { "unclear", "status", "Unknown", "no list of sockets", null },
        { "template", "template", "Problem", "template", "new template" },
        { "locked by a task", "lock", "Problem", "(backup) by a task that runs: vzdump by root@pam", "Wait" },
        { "locked by nobody", "lock", "Problem", "no running task", "pct unlock 100" },
        { "a task without a lock", "lock", "Warning", "vzdump", "Wait" },
        { "no exec", "exec-as-root", "Problem", "exit code 255", "pct exec 100 -- id -u" },
        { "no exec", "network", "Unknown", "no command can be run", null },
        { "not root", "exec-as-root", "Problem", "printed '1000'", "by hand" },
        { "taken for rhel", "os", "Problem", "family 'debian', but is taken for 'rhel'", "platform_family to \"debian\"" },
        { "conf says alpine", "os", "Warning", "ostype alpine", "platform_family" },
        { "no tools", "os", "Problem", "none of the package managers", "Exclude" },
        { "no tools", "package-manager", "Problem", "no package manager", "Exclude" },
        { "sources unread", "package-sources", "Problem", "/etc/apt/sources.list", "0644" },
        { "sources off", "package-sources", "Problem", "no package source is enabled", "Enable" },
        { "no route", "network", "Problem", "no default route", "gateway" },
        { "no name", "network", "Problem", "deb.example.org, cannot be resolved", "resolv.conf" },
        { "name unclear", "network", "Unknown", "cannot be told", null },
        { "full", "disk-space", "Problem", "only 49 MiB are free on /var", "enlarge" },
        { "nearly full", "disk-space", "Warning", "100 MiB are free on /", "make room" },
        { "no memory", "memory", "Warning", "only 9 MiB", "killed" },
        { "half-configured", "package-database", "Warning", "interrupted", "dpkg --configure -a" },
        { "cut off", "package-database", "Unknown", "longer than 40 s", null },
        { "silent", "os", "Unknown", "did not say", null },
        { "silent", "package-sources", "Unknown", "did not say", null },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Each_trouble_has_its_words_and_a_way_out(string trouble, string name, string result, string message, string? advice)
    {
        var (seen, family) = Troubled(trouble);
        var check = ContainerChecks.Of(new Vmid(100), seen, family).Single(one => one.Name == name);
        Assert.Equal(result, check.Result.ToString());
        Assert.Contains(message, check.Message, StringComparison.Ordinal);
        if (advice is null)
        {
            Assert.Null(check.Advice);
        }
        else
        {
            Assert.Contains(advice, check.Advice, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Nothing_a_container_says_reaches_a_terminal_as_a_control()
    {
        const string Evil = "\u001b]0;pwned\u0007\u202e\r\nok";
        var seen = Well with
        {
            Uid = Evil,
            Tasks = [Evil],
            Look = new()
            {
                Seen = Healthy with { Os = new(Evil, [], Evil, Evil), PackageTools = [Evil, "apt-get"], Sources = [new(Evil, null)], Database = [Evil] },
                LookedUp = Evil,
                Resolves = false,
            },
        };
        var text = DiagnosisText.Of(new(ContainerChecks.Of(new Vmid(100), seen, Evil)), colours: false);
        Assert.DoesNotContain(text, c => char.IsControl(c) && c is not '\n' || c is '\u202e');
        Assert.All(text.Split('\n')[..^1], line => Assert.Matches("^(ok  |warn|prob|unkn|    )", line));
    }

    [Fact]
    public void Colours_are_ours_alone()
    {
        var text = DiagnosisText.Of(new([Verdicts.Problem("os", "bad", "mend")]), colours: true);
        Assert.Equal("\u001b[31mproblem  \u001b[0mos:               bad\n                           → mend\n", text);
    }

    private static (ContainerSeen Seen, string? Family) Troubled(string trouble) => trouble switch
    {
        "stopped" => (Well with { Process = new(GuestStatus.Stopped, null, null), Uid = null, Look = new() }, null),
        "unclear" => (Well with { Process = new(GuestStatus.Unknown, null, "no list of sockets"), Uid = null, Look = new() }, null),
        "template" => (Well with { Conf = Conf("template: 1\n") }, null),
        "locked by a task" => (Well with { Conf = Conf("lock: backup\n"), Tasks = ["vzdump by root@pam (pid 7)"] }, null),
        "locked by nobody" => (Well with { Conf = Conf("lock: snapshot\n") }, null),
        "a task without a lock" => (Well with { Tasks = ["vzdump by root@pam (pid 7)"] }, null),
        "no exec" => (Well with { ExecProblem = "pct exec: exit code 255", Uid = null, Look = new() }, null),
        "not root" => (Well with { Uid = "1000" }, null),
        "taken for rhel" => (Well, "rhel"),
        "conf says alpine" => (Well with { Conf = Conf("ostype: alpine\n") }, null),
        "no tools" => (Inside(Healthy with { PackageTools = [] }), null),
        "sources unread" => (Inside(Healthy with { Sources = [new("/etc/apt/sources.list", null)] }), null),
        "sources off" => (Inside(Healthy with { Sources = [new("/etc/apt/sources.list", "# deb http://x y z\n")] }), null),
        "no route" => (Well with { Look = Well.Look with { Seen = Healthy with { HasDefaultRoute = false }, Resolves = false } }, null),
        "no name" => (Well with { Look = Well.Look with { Resolves = false } }, null),
        "name unclear" => (Well with { Look = Well.Look with { Resolves = null } }, null),
        "full" => (Inside(Healthy with { FreeKibibytes = [4_000_000, 50 * 1024 - 1] }), null),
        "nearly full" => (Inside(Healthy with { FreeKibibytes = [100 * 1024, 4_000_000] }), null),
        "no memory" => (Inside(Healthy with { MemoryKibibytes = 9 * 1024 }), null),
        "half-configured" => (Inside(Healthy with { Database = ["nanny-x is half-configured"] }), null),
        "cut off" => (Well with { Look = Well.Look with { Seen = Healthy with { Database = null }, Problem = "it took longer than 40 s" } }, null),
        "silent" => (Inside(InsideScript.Parse(string.Empty)), null),
        _ => throw new ArgumentOutOfRangeException(nameof(trouble)),
    };

    private static ContainerSeen Inside(InsideSeen inside) => Well with { Look = Well.Look with { Seen = inside } };

    private static GuestConf Conf(string text) => GuestConf.Parse(GuestType.Lxc, text);
}
