using Microsoft.Extensions.Logging.Abstractions;
using NannyOrleans.Agent.Jobs;
using NannyOrleans.Agent.Journal;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Tests.Jobs;

/// <summary>Node pve1 of a cluster of three, of which pve3 is offline.</summary>
public sealed class HostCommandHandlerTests : IDisposable
{
    private const string Move = "sed -i 's/\"node\": \"pve1\"/\"node\": \"pve2\"/' $root/etc/pve/.vmlist; rm $root/etc/pve/nodes/pve1/*/*.conf";
    private static readonly NodeName Pve2 = NodeName.Parse("pve2");
    private readonly LabHost host = new();
    private readonly HurriedClock clock = new() { Hurried = false };

    public HostCommandHandlerTests()
    {
        host.WriteFacts();
        host.Write("etc/pve/.members", """
            {"nodename":"pve1","cluster":{"name":"c","nodes":3,"quorate":1},"nodelist":{"pve1":{"id":1,"online":1},"pve2":{"id":2,"online":1},"pve3":{"id":3,"online":0}}}
            """);
        host.Container(100);
        host.Runs(100);
        host.Command("lxc-info", $"echo {Environment.ProcessId}");
        Answer("pct", Move);
        Answer("qm", Move);
        Answer("ha-manager", "echo \"$3-node-maintenance $4\" >> $root/etc/pve/ha/crm_commands");
        Answer("ceph", "case $2 in dump) cat $root/osd.json;; set) sed -i 's/sortbitwise/sortbitwise,noout/' $root/osd.json;; unset) sed -i 's/,noout//' $root/osd.json;; esac");
        host.Write("osd.json", """{"epoch":7,"fsid":"x","flags":"sortbitwise","flags_num":1,"pools":[{"flags":"noout"}""" + new string(' ', 200_000)); // longer than what is kept
        Directory.CreateDirectory(Path.Combine(host.Directory, "etc/pve/ha"));
    }

    public void Dispose() => host.Dispose();

    public static TheoryData<string, string, string> Jobs => new()
    {
        { "maintenance on", "ha-manager", "crm-command node-maintenance enable pve2" },
        { "flag on", "ceph", "osd dump --format json|osd set noout|osd dump --format json" },
        { "migrate", "pct", "migrate 100 pve2 --restart" },
        { "shut down", "pct", "shutdown 100 --timeout 60" },
    };

    [Theory]
    [MemberData(nameof(Jobs))]
    public async Task A_job_is_one_command_and_the_second_time_none(string name, string program, string calls)
    {
        Answers(name);
        var end = await Run(Job(name));
        Assert.Equal((JobOutcome.Succeeded, null), (end.Outcome, end.Detail));
        Assert.Equal(calls, Calls(program));
        Assert.NotNull(end.StartedAt);

        var again = await Run(Job(name, 2));
        Assert.Equal((JobOutcome.Succeeded, "it was so already", null), (again.Outcome, again.Detail, again.StartedAt));
        Assert.Equal(program is "ceph" ? $"{calls}|osd dump --format json" : calls, Calls(program));
    }

    [Fact]
    public async Task Maintenance_mode_is_taken_off_while_the_manager_has_not_yet_taken_up_that_it_was_put_on()
    {
        await Run(Job("maintenance on"));
        Assert.Equal(JobOutcome.Succeeded, (await Run(new SetMaintenance(Id(2), 60, Pve2, On: false))).Outcome);
        Assert.Equal("it was so already", (await Run(new SetMaintenance(Id(3), 60, Pve2, On: false))).Detail);
        Assert.Equal("crm-command node-maintenance enable pve2|crm-command node-maintenance disable pve2", Calls("ha-manager"));
    }

    [Fact]
    public async Task A_flag_is_taken_off()
    {
        await Run(Job("flag on"));
        Assert.Equal(JobOutcome.Succeeded, (await Run(new SetCephFlag(Id(2), 60, "noout", On: false))).Outcome);
        Assert.EndsWith("|osd unset noout|osd dump --format json", Calls("ceph"), StringComparison.Ordinal);
        Assert.Equal("it was so already", (await Run(new SetCephFlag(Id(3), 60, "noout", On: false))).Detail);
    }

    [Fact]
    public async Task A_VM_is_moved_while_it_runs_with_its_disks_and_one_that_does_not_run_as_it_is()
    {
        host.Vm(200, "name: db-01\n");
        using (var vm = host.RunVm(200))
        {
            Assert.Equal(JobOutcome.Succeeded, (await Run(new MigrateGuest(Id(1), 60, new(200), Pve2))).Outcome);
        }

        host.Vm(201, "name: db-02\n");
        Assert.Equal(JobOutcome.Succeeded, (await Run(new MigrateGuest(Id(2), 60, new(201), Pve2))).Outcome);
        Assert.Equal("migrate 200 pve2 --online --with-local-disks|migrate 201 pve2 --with-local-disks", Calls("qm"));
    }

    [Fact]
    public async Task A_container_that_does_not_run_is_moved_without_a_restart()
    {
        host.Runs();
        Assert.Equal(JobOutcome.Succeeded, (await Run(Job("migrate"))).Outcome);
        Assert.Equal("migrate 100 pve2", Calls("pct"));
    }

    [Fact]
    public async Task A_guest_is_started_and_done_when_it_is_seen_to_run()
    {
        host.Runs();
        Answer("pct", $"printf '0000: 00000002 00000000 00010000 0001 01 1 @{host.Directory}/var/lib/lxc/100/command\\n' >> $root/proc/net/unix");
        var end = await Run(new PowerGuest(Id(1), 60, new(100), On: true));
        Assert.Equal((JobOutcome.Succeeded, null), (end.Outcome, end.Detail));
        Assert.Equal("start 100", Calls("pct"));
    }

    [Theory]
    [InlineData("migrate", "lock: backup\n", "", "container is locked (backup)")]
    [InlineData("migrate", "template: 1\n", "", "container is a template")]
    [InlineData("migrate", "", "ct: 100\n", "container is managed by HA, which moves, starts and stops it itself")]
    [InlineData("migrate to pve3", "", "", "pve3 is offline")]
    [InlineData("migrate to pve9", "", "", "the cluster has no node pve9")]
    [InlineData("migrate to pve1", "", "", "pve1 is this node itself")]
    [InlineData("migrate 101", "", "", "there is no guest 101")]
    [InlineData("migrate 99", "", "", "99 is not a vmid")]
    [InlineData("shut down", "lock: migrate\n", "", "container is locked (migrate)")]
    [InlineData("shut down", "", "ct: 100\n\tstate started\n", "container is managed by HA, which moves, starts and stops it itself")]
    [InlineData("shut down 101", "", "", "there is no guest 101")]
    [InlineData("flag noin", "", "", "'noin' is no flag that may be changed: only noout is")]
    [InlineData("maintenance for 0 s", "", "", "a timeout of 0 s is not from 1 to 86400")]
    public async Task What_may_not_be_is_refused(string name, string conf, string resources, string detail)
    {
        host.Write("etc/pve/nodes/pve1/lxc/100.conf", $"hostname: web-01\n{conf}");
        host.Write("etc/pve/ha/resources.cfg", resources);
        var end = await Run(Job(name));
        Assert.Equal((JobOutcome.Failed, detail, null), (end.Outcome, end.Detail, end.StartedAt));
        Assert.Equal(0, host.Calls("pct") + host.Calls("ceph") + host.Calls("ha-manager"));
    }

    [Fact]
    public async Task Without_quorum_nothing_is_moved()
    {
        host.Write("etc/pve/.members", host.Read("etc/pve/.members").Replace("\"quorate\":1", "\"quorate\":0", StringComparison.Ordinal));
        Assert.Equal("this node has no quorum", (await Run(Job("migrate"))).Detail);
        Assert.Equal(0, host.Calls("pct"));
    }

    [Theory]
    [InlineData("migrate", ".vmlist", "etc/pve cannot be read, is pmxcfs (service pve-cluster) running?")]
    [InlineData("shut down", ".members", "etc/pve cannot be read, is pmxcfs (service pve-cluster) running?")]
    [InlineData("maintenance on", ".members", "etc/pve cannot be used, is pmxcfs (service pve-cluster) running?")]
    public async Task Where_nobody_can_tell_how_it_is_nothing_is_done(string name, string missing, string detail)
    {
        File.Delete(Path.Combine(host.Directory, "etc/pve", missing));
        var end = await Run(Job(name));
        Assert.Equal(JobOutcome.Failed, end.Outcome);
        Assert.Contains(detail, end.Detail, StringComparison.Ordinal);
        Assert.Equal(0, host.Calls("pct") + host.Calls("ha-manager"));
    }

    [Theory]
    [InlineData("migrate", "resources.cfg")]
    [InlineData("shut down", "resources.cfg")]
    [InlineData("maintenance on", "manager_status")]
    [InlineData("maintenance on", "crm_commands")]
    public async Task A_file_of_HA_that_is_there_and_cannot_be_read_is_not_one_that_is_not_there(string name, string file)
    {
        Directory.CreateDirectory(Path.Combine(host.Directory, "etc/pve/ha", file));
        var end = await Run(Job(name));
        Assert.Equal(JobOutcome.Failed, end.Outcome);
        Assert.Contains(file, end.Detail, StringComparison.Ordinal);
        Assert.Equal(0, host.Calls("pct") + host.Calls("ha-manager"));
    }

    [Theory]
    [InlineData("{", "HA's state cannot be read: ha/manager_status: ")]
    [InlineData("""{"node_request":{"pve2":{"maintenance":1}}}""", "it was so already")]
    public async Task What_the_manager_says_counts(string status, string detail)
    {
        host.Write("etc/pve/ha/manager_status", status);
        Assert.StartsWith(detail, (await Run(Job("maintenance on"))).Detail, StringComparison.Ordinal);
        Assert.Equal(0, host.Calls("ha-manager"));
    }

    [Theory]
    [InlineData("echo '{\"fsid\":\"x\"'", "ceph osd dump does not say which flags are set")]
    [InlineData("echo 'Error initializing cluster client' >&2; exit 1", "ceph osd dump --format json: exit code 1: Error initializing cluster client")]
    public async Task A_Ceph_that_does_not_answer_is_not_asked_for_more(string script, string detail)
    {
        Answer("ceph", script);
        Assert.Equal((JobOutcome.Failed, detail), (await Run(Job("flag on"))) is var end ? (end.Outcome, end.Detail) : default);
        Assert.Equal(1, host.Calls("ceph"));
    }

    [Theory]
    [InlineData("migrate", "pct", "echo started; printf 'one\\ntwo\\nthree\\n\\033]0;x\\007four\\n' >&2; exit 255", "pct migrate: exit code 255: two; three; \uFFFD]0;x\uFFFDfour")]
    [InlineData("migrate", "pct", Move + "; exit 255", "pct migrate: exit code 255: it said nothing; what was asked for has come about all the same")]
    [InlineData("shut down", "pct", "echo 'container did not stop' >&2; exit 255", "timeout: pct shutdown: exit code 255: container did not stop")]
    [InlineData("maintenance on", "ha-manager", "echo \"cfs-lock 'domain-ha' error: no quorum!\" >&2; exit 13", "ha-manager crm-command: exit code 13: cfs-lock 'domain-ha' error: no quorum!")]
    public async Task What_the_command_says_is_the_reason(string name, string program, string script, string detail)
    {
        Answer(program, script);
        var end = await Run(Job(name));
        Assert.Equal((JobOutcome.Failed, detail), (end.Outcome, end.Detail));
        Assert.True(end.ExitCode > 0);
    }

    [Fact]
    public async Task A_guest_that_somebody_else_has_stopped_meanwhile_is_stopped()
    {
        Answer("pct", "printf 'Num \\n' > $root/proc/net/unix; echo 'CT 100 not running' >&2; exit 255");
        var end = await Run(Job("shut down"));
        Assert.Equal((JobOutcome.Succeeded, "pct shutdown: exit code 255: CT 100 not running"), (end.Outcome, end.Detail));
    }

    [Fact]
    public async Task A_migration_that_ended_well_and_brought_the_guest_nowhere_is_a_timeout()
    {
        Answer("pct", ":");
        Assert.Equal("timeout: pct migrate has ended well, but what was asked for has not come about", (await Run(new MigrateGuest(Id(1), 1, new(100), Pve2))).Detail);
    }

    [Fact]
    public async Task A_Ceph_that_hangs_is_ended_when_the_time_is_over()
    {
        Answer("ceph", "case $2 in dump) cat $root/osd.json;; *) exec sleep 600;; esac");
        var end = await Run(new SetCephFlag(Id(1), 1, "noout", On: true));
        Assert.Equal((JobOutcome.Failed, "timeout: ceph osd set: exit code 143: it said nothing"), (end.Outcome, end.Detail));
    }

    [Fact]
    public async Task A_migration_goes_on_when_the_time_is_over_when_it_is_cancelled_and_when_the_agent_ends()
    {
        var gate = Path.Combine(host.Directory, "gate");
        Posix.MakePipe(gate);
        Answer("pct", $"read line < {gate}; {Move}");
        using var stopping = new CancellationTokenSource();
        using var cancel = new CancellationTokenSource();
        var (job, entry) = (Job("migrate"), Entry(Job("migrate")));
        var first = Run(job, entry, cancel.Token, stopping.Token);
        await Eventually.Until(() => host.Calls("pct") is 1, "pct");
        await cancel.CancelAsync();
        await stopping.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.Equal(JobOutcome.Running, entry.Outcome);

        await File.WriteAllTextAsync(gate, "go on\n");
        var end = await Run(job, entry, new(canceled: true), default);
        Assert.Equal((JobOutcome.Succeeded, null), (end.Outcome, end.Detail));
        Assert.Equal(1, host.Calls("pct"));

        host.Container(101);
        var late = Run(new MigrateGuest(Id(2), 1, new(101), Pve2));
        Assert.Equal("timeout: pct migrate still runs", (await late).Detail);
        await File.WriteAllTextAsync(gate, "go on\n");
        await Eventually.Until(() => !File.Exists(Path.Combine(host.Directory, "etc/pve/nodes/pve1/lxc/101.conf")), "the late migration's end");
    }

    [Theory]
    [MemberData(nameof(Jobs))]
    public async Task A_job_that_is_cancelled_before_it_is_begun_never_is(string name, string program, string calls)
    {
        Answers(name);
        Assert.Equal((JobOutcome.Cancelled, "cancelled before it was begun"), (await Run(Job(name), Entry(Job(name)), new(canceled: true), default)) is var end ? (end.Outcome, end.Detail) : default);
        Assert.DoesNotContain(calls.Split('|').First(call => !call.Contains("dump", StringComparison.Ordinal)), Calls(program), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Jobs))]
    public async Task Begun_in_the_journal_and_never_run_it_is_never_run(string name, string program, string calls)
    {
        var entry = Entry(Job(name));
        entry.Start(host.Host.BootId());
        clock.Hurried = true;
        var end = await Run(Job(name), entry, default, default);
        Assert.Equal((JobOutcome.Failed, JobReport.NeverRan), (end.Outcome, end.Detail));
        Assert.True(host.Calls(program) is 0, calls);
    }

    [Theory]
    [InlineData("migrate", false, "Failed the host itself was restarted while pct migrate ran, and what was asked for has not come about")]
    [InlineData("migrate", true, "Succeeded the host itself was restarted meanwhile")]
    [InlineData("maintenance on", false, "Failed the host itself was restarted while ha-manager crm-command ran, and what was asked for has not come about")]
    [InlineData("maintenance on", true, "Succeeded the host itself was restarted meanwhile")]
    [InlineData("flag on", false, "Failed the host itself was restarted while ceph osd set ran, and what was asked for has not come about")]
    [InlineData("shut down", false, "Failed the host itself was restarted while pct shutdown ran, and what was asked for has not come about")]
    [InlineData("shut down", true, "Succeeded the host itself was restarted meanwhile")]
    public async Task After_a_restart_of_the_host_the_world_says_how_it_went(string name, bool asAsked, string expected)
    {
        var entry = Entry(Job(name));
        entry.Start("another boot");
        if (asAsked)
        {
            host.Write("etc/pve/ha/crm_commands", "enable-node-maintenance pve2\n");
            host.Write("etc/pve/.vmlist", host.Read("etc/pve/.vmlist").Replace("pve1", name is "migrate" ? "pve2" : "pve1", StringComparison.Ordinal));
            host.Runs();
        }

        var end = await Run(Job(name), entry, default, default);
        Assert.Equal(expected, $"{end.Outcome} {end.Detail}");
        Assert.Equal(0, host.Calls("pct") + host.Calls("ha-manager"));
    }

    [Fact]
    public async Task A_machine_outside_Proxmox_VE_has_nothing_of_it()
    {
        var entry = Entry(Job("maintenance on"));
        await new HostCommandHandler(host.Host, null, new(Eventually.Limit), clock, NullLogger.Instance).Run(Job("maintenance on"), entry, new(() => { }, _ => { }, _ => { }, default), default);
        Assert.Equal((JobOutcome.Failed, "this machine is no Proxmox VE host"), (entry.End!.Outcome, entry.End.Detail));
    }

    private static Job Job(string name, int number = 1) => name.Split(' ') switch
    {
        ["maintenance", "on"] => new SetMaintenance(Id(number), 60, Pve2, On: true),
        ["maintenance", "for", ..] => new SetMaintenance(Id(number), 0, Pve2, On: true),
        ["flag", "on"] => new SetCephFlag(Id(number), 60, "noout", On: true),
        ["flag", var flag] => new SetCephFlag(Id(number), 60, flag, On: true),
        ["migrate"] => new MigrateGuest(Id(number), 60, new(100), Pve2),
        ["migrate", "to", var to] => new MigrateGuest(Id(number), 60, new(100), NodeName.Parse(to)),
        ["migrate", var vmid] => new MigrateGuest(Id(number), 60, new(int.Parse(vmid, System.Globalization.CultureInfo.InvariantCulture)), Pve2),
        ["shut", "down", .. var rest] => new PowerGuest(Id(number), 60, new(rest is [var vmid] ? int.Parse(vmid, System.Globalization.CultureInfo.InvariantCulture) : 100), On: false),
        _ => throw new ArgumentOutOfRangeException(nameof(name)),
    };

    private static JobId Id(int number) => JobId.Parse(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"01JDMT2Q4N{number:D16}"));

    private void Answer(string program, string script) => host.Command(program, $"echo \"$*\" >> $root/{program}.calls; {script}");

    // pct stands for moving a guest until it has to stop one.
    private void Answers(string name)
    {
        if (name is "shut down")
        {
            Answer("pct", "printf 'Num \\n' > $root/proc/net/unix");
        }
    }

    private string Calls(string program) => host.Calls(program) is 0 ? string.Empty : host.Read($"{program}.calls").TrimEnd().Replace('\n', '|');

    private JournalEntry Entry(Job job) => new JobJournal(host.Host, TimeProvider.System).Add(job);

    private Task<JobEnd> Run(Job job) => Run(job, Entry(job), default, default);

    private async Task<JobEnd> Run(Job job, JournalEntry entry, CancellationToken cancelled, CancellationToken stopping)
    {
        var handler = new HostCommandHandler(host.Host, NodeName.Parse("pve1"), new(Eventually.Limit), clock, NullLogger.Instance);
        await handler.Run(job, entry, new(() => { }, _ => { }, _ => { }, cancelled), stopping).Within("the command's end");
        return entry.End!;
    }
}
