using System.Globalization;
using System.Text.Json;
using NannyOrleans.Agent.Commands;
using NannyOrleans.Agent.Diagnoses;
using NannyOrleans.Agent.Jobs;
using NannyOrleans.Agent.Journal;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Tests.Diagnoses;

/// <summary>The looks themselves: a container whose files are below <c>ct</c>, entered by a pct that runs the real script there.</summary>
public sealed class DoctorTests : IDisposable
{
    private const string Entered = """
        echo "$*" >> $root/pct.calls
        shift 3
        case $1 in
          id) echo 0 ;;
          timeout) if [ -z "$9" ]; then exec sh -c "$7" sh $root/ct; fi; grep -qx "$9" $root/names || exit 2 ;;
        esac
        """;

    private readonly LabHost host = new();
    private readonly StringWriter output = new(CultureInfo.InvariantCulture);

    public DoctorTests()
    {
        host.WriteFacts();
        host.Container(100);
        host.Runs(100);
        host.Command("pct", Entered);
        host.Command("timedatectl", "echo yes");
        host.Write("names", "deb.example.org\n");
        host.Write("ct/etc/os-release", Fixture.Read("os-release.debian"));
        host.Write("ct/etc/apt/sources.list", "deb http://deb.example.org/debian trixie main\n");
        host.Write("ct/proc/net/route", "Iface\tDestination\tGateway\neth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n");
        host.Write("ct/proc/meminfo", "MemTotal: 512000 kB\nMemAvailable:   400000 kB\n");
        host.Write("ct/var/lib/dpkg/status", HostFiles.Package("nanny-x"));
        host.Write("proc/net/ipv6_route", string.Empty);
        host.Write("proc/locks", string.Empty);
        Directory.CreateDirectory(Path.Combine(host.Directory, "var"));
    }

    public void Dispose() => host.Dispose();

    [Fact]
    public async Task A_container_that_is_well_is_found_to_be()
    {
        var checks = await Examine(100, "debian");
        Assert.DoesNotContain(checks, check => check.Result is not (CheckResult.Ok or CheckResult.Warning));
        Assert.Contains("deb.example.org has an address", Of(checks, "network").Message, StringComparison.Ordinal);
        Assert.Contains("no package is half-configured", Of(checks, "package-database").Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Troubles_in_a_container_are_found()
    {
        host.Write("ct/var/lib/dpkg/updates/0001", string.Empty);
        host.Write("names", string.Empty);
        var checks = await Examine(100, "rhel");
        Assert.Equal(CheckResult.Problem, Of(checks, "os").Result);
        Assert.Equal(CheckResult.Problem, Of(checks, "network").Result);
        Assert.Contains("dpkg was interrupted", Of(checks, "package-database").Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("lock: backup\n", "lock", CheckResult.Problem)]
    [InlineData("template: 1\n", "template", CheckResult.Problem)]
    public async Task The_configuration_is_looked_at(string conf, string name, CheckResult result)
    {
        host.Container(100, conf);
        Assert.Equal(result, Of(await Examine(100), name).Result);
    }

    [Fact]
    public async Task A_stopped_container_is_not_entered()
    {
        host.Runs();
        var checks = await Examine(100);
        Assert.Equal((CheckResult.Problem, CheckResult.Unknown), (Of(checks, "status").Result, Of(checks, "os").Result));
        Assert.Equal(0, host.Calls("pct"));
    }

    [Fact]
    public async Task A_container_that_answers_with_rubbish_and_controls_is_unknown_and_harmless()
    {
        host.Command("pct", """
            case "$4" in id) printf '\033[2J0' ;; *) head -c 3000000 /dev/urandom; printf '\nos NAME="\033[31m"\ndone tool\n' ;; esac
            """);
        var diagnosis = new Diagnosis(await Examine(100));
        Assert.Equal(CheckResult.Problem, Of(diagnosis.Checks, "exec-as-root").Result);
        Assert.Equal(CheckResult.Unknown, Of(diagnosis.Checks, "disk-space").Result);
        Assert.DoesNotContain(DiagnosisText.Of(diagnosis, colours: false), c => char.IsControl(c) && c is not '\n');
    }

    [Fact]
    public async Task A_container_without_the_programs_to_look_with_is_unknown_for_that_reason()
    {
        host.Command("pct", """case "$4" in id) echo 0 ;; *) echo 'timeout: not found' >&2; exit 127 ;; esac""");
        Assert.Equal(
            (CheckResult.Unknown, "the look into it is not whole: the script printed nothing and ended with code 127: timeout: not found"),
            (Of(await Examine(100), "os").Result, Of(await Examine(100), "os").Message));
    }

    [Fact]
    public async Task Without_pmxcfs_nothing_is_known_of_a_guest()
    {
        Directory.Delete(Path.Combine(host.Directory, "etc/pve"), recursive: true);
        Assert.Equal([("node", CheckResult.Unknown)], (await Examine(100)).Select(check => (check.Name, check.Result)));
    }

    [Fact]
    public async Task A_guest_of_another_node_is_not_here() => Assert.Equal([("node", CheckResult.Problem)], (await Examine(999)).Select(check => (check.Name, check.Result)));

    [Theory]
    [InlineData("name: a\n", ":", CheckResult.Warning, "not switched on")]
    [InlineData("agent: 1\n", ":", CheckResult.Ok, "answers")]
    [InlineData("agent: 1\n", "echo 'QEMU guest agent is not running' >&2; exit 255", CheckResult.Warning, "QEMU guest agent is not running")]
    public async Task A_VM_is_asked_through_its_guest_agent_only(string conf, string qm, CheckResult result, string message)
    {
        host.Vm(200, conf);
        using var vm = host.RunVm(200);
        host.Command("qm", qm);
        var checks = await Examine(200);
        Assert.Equal(result, Of(checks, "guest-agent").Result);
        Assert.Contains(message, Of(checks, "guest-agent").Message, StringComparison.Ordinal);
        Assert.Contains("Install nannyagent", Of(checks, "inside").Advice, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_host_is_examined_itself()
    {
        host.Write("etc/apt/sources.list.d/pve-enterprise.list", "deb https://enterprise.proxmox.com/debian/pve trixie pve-enterprise\n");
        host.Write("boot/vmlinuz-6.17.9-1-pve", string.Empty);
        host.Write("var/lib/dpkg/status", HostFiles.Package("proxmox-kernel-6.17.4-1-pve-signed") + HostFiles.Package("proxmox-kernel-6.17.9-1-pve-signed"));
        var checks = await Examine(null);
        Assert.Equal(CheckResult.Ok, Of(checks, "pmxcfs").Result);
        Assert.Equal(CheckResult.Ok, Of(checks, "quorum").Result);
        Assert.Equal(CheckResult.Ok, Of(checks, "clock").Result);
        Assert.Equal((CheckResult.Problem, true), (Of(checks, "repositories").Result, Of(checks, "repositories").Message.Contains("enterprise repository", StringComparison.Ordinal)));
        Assert.Equal("6.17.4-1-pve runs, newest is 6.17.9-1-pve", Of(checks, "kernel").Message);
        Assert.Equal("this machine is not registered", Of(checks, "agent").Message);
        Assert.Equal(CheckResult.Ok, Of(checks, "lock").Result);
        Assert.Equal(0, host.Calls("pct"));
    }

    [Fact]
    public async Task A_cluster_without_quorum_is_a_problem_and_an_unreadable_one_unknown()
    {
        host.Write("etc/pve/.members", """{"nodename":"pve1","cluster":{"name":"c","version":2,"nodes":2,"quorate":0},"nodelist":{"pve1":{"id":1,"online":1},"pve2":{"id":2,"online":0}}}""");
        Assert.Contains("pve2", Of(await Examine(null), "quorum").Message, StringComparison.Ordinal);
        host.Write("etc/pve/.members", "{");
        Assert.Equal(CheckResult.Unknown, Of(await Examine(null), "quorum").Result);
    }

    [Fact]
    public async Task Who_holds_the_package_database_is_named()
    {
        host.Write("var/lib/dpkg/lock-frontend", string.Empty);
        host.Command("stat", "echo 131");
        host.Write("proc/locks", "1: POSIX  ADVISORY  WRITE 4711 08:01:131 0 EOF\n");
        host.Write("proc/4711/comm", "apt-get\n");
        Assert.Equal("the package database is held by apt-get (pid 4711)", Of(await Examine(null), "lock").Message);
        File.Delete(Path.Combine(host.Directory, "proc/locks"));
        Assert.Equal(CheckResult.Unknown, Of(await Examine(null), "lock").Result);
    }

    [Fact]
    public async Task The_jobs_report_carries_the_checks()
    {
        var (entry, end) = await Job(Doctor(), new(Id, 600, new Vmid(100)));
        Assert.Equal((JobOutcome.Succeeded, null), (end.Outcome, end.Detail));
        var report = PatchHandler.Report(entry, end);
        var diagnosis = JsonSerializer.Deserialize(report.StandardOutput, ProtocolJson.Default.Diagnosis)!;
        Assert.Equal("exec-as-root", Of(diagnosis.Checks, "exec-as-root").Name);
        Assert.Equal(0, report.StandardOutputCut);
    }

    [Fact]
    public async Task Checks_that_cannot_be_made_end_the_job()
    {
        await using var server = await ControlPlane.Start();
        RunningAgent.Register(host, server); // else the server is not asked
        var doctor = new Doctor(host.Host, NodeName.Parse("pve1"), new(Eventually.Limit), TimeProvider.System, _ => throw new InvalidOperationException("no\u001bgood"));
        var (_, end) = await Job(doctor, new(Id, 600, null));
        Assert.Equal((JobOutcome.Failed, "the checks could not be made: no\uFFFDgood"), (end.Outcome, end.Detail));
    }

    [Fact]
    public async Task Found_again_in_the_journal_it_is_made_again()
    {
        var entry = new JobJournal(host.Host, TimeProvider.System).Add(new Diagnose(Id, 600, new Vmid(100)));
        entry.Start("any boot");
        await new DiagnoseHandler(host.Host, Doctor(), TimeProvider.System).Run(new(Id, 600, new Vmid(100)), entry, new(() => { }, _ => { }, _ => { }, default), default).Within("the checks");
        Assert.Equal(JobOutcome.Succeeded, entry.End!.Outcome);
    }

    [Theory]
    [InlineData(0, false, JobOutcome.Failed, "a timeout of 0 s is not from 1 to 86400")]
    [InlineData(1, false, JobOutcome.Failed, "timeout: the checks took longer than 1 s")]
    [InlineData(600, true, JobOutcome.Cancelled, "cancelled while it looked; nothing was changed")]
    public async Task It_ends_in_time_and_when_nobody_wants_it(int timeout, bool cancelled, JobOutcome outcome, string detail)
    {
        var gate = Path.Combine(host.Directory, "gate");
        Posix.MakePipe(gate);
        host.Command("pct", $"read line < {gate}");
        var (_, end) = await Job(Doctor(), new(Id, timeout, new Vmid(100)), new CancellationToken(cancelled));
        Assert.Equal((outcome, detail), (end.Outcome, end.Detail));
    }

    [Theory]
    [InlineData("doctor 100 --json", 0)]
    [InlineData("doctor 999", 1)]
    [InlineData("doctor 99", 2)]
    [InlineData("doctor abc", 2)]
    [InlineData("doctor 100 101", 2)]
    public async Task The_exit_code_says_how_it_is(string line, int code)
    {
        Assert.Equal(code, await Command(line));
    }

    [Fact]
    public async Task The_command_prints_text_without_colours_into_a_file_and_JSON_when_asked()
    {
        host.Command("lxc-info", "exit 1");
        Assert.Equal(1, await Command("doctor 999"));
        Assert.StartsWith("problem  node:             guest 999 is not on this node\n", output.ToString(), StringComparison.Ordinal);
        output.GetStringBuilder().Clear();
        Assert.Equal(0, await Command("doctor 100 --json"));
        Assert.NotEmpty(JsonSerializer.Deserialize(output.ToString(), ProtocolJson.Default.Diagnosis)!.Checks);
    }

    [Theory]
    [InlineData("", 3)] // nothing was looked at
    [InlineData("ok warning", 0)]
    [InlineData("ok unknown", 3)]
    [InlineData("unknown problem", 1)]
    public void The_worst_check_decides_the_exit_code(string results, int code)
    {
        var checks = results.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => new Check("x", Enum.Parse<CheckResult>(word, ignoreCase: true), "m", null));
        Assert.Equal(code, DoctorCommand.ExitCode(new([.. checks])));
    }

    [Fact]
    public async Task Help_names_it()
    {
        Assert.Equal(0, await Command("--help"));
        Assert.Contains("doctor", output.ToString(), StringComparison.Ordinal);
    }

    private static JobId Id => JobId.Parse("01JDMT2Q4N0000000000000001");

    private static Check Of(IReadOnlyList<Check> checks, string name) => checks.Single(check => check.Name == name);

    private Doctor Doctor() => new(host.Host, NodeName.Parse("pve1"), new(Eventually.Limit), TimeProvider.System, _ => Task.FromResult<string?>(null));

    private async Task<IReadOnlyList<Check>> Examine(int? vmid, string? family = null) =>
        (await Doctor().Examine(vmid is { } number ? new Vmid(number) : null, family, default).Within("the checks")).Checks;

    private async Task<(JournalEntry Entry, JobEnd End)> Job(Doctor doctor, Diagnose job, CancellationToken cancelled = default)
    {
        var entry = new JobJournal(host.Host, TimeProvider.System).Add(job);
        await new DiagnoseHandler(host.Host, doctor, TimeProvider.System).Run(job, entry, new(() => { }, _ => { }, _ => { }, cancelled), default).Within("the checks");
        return (entry, entry.End!);
    }

    private Task<int> Command(string line) =>
        AgentCommands.Run(["--root", host.Directory, .. line.Split(' ')], host.SearchPath, output, TextWriter.Null, default).Within("the command");
}
