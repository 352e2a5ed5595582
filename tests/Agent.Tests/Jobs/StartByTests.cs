using Microsoft.Extensions.Logging.Abstractions;
using NannyOrleans.Agent.Connection;
using NannyOrleans.Agent.Diagnoses;
using NannyOrleans.Agent.Jobs;
using NannyOrleans.Agent.Journal;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Tests.Jobs;

/// <summary>What had to begin by a time that has come never begins, wherever the time was lost.</summary>
public sealed class StartByTests : IAsyncLifetime
{
    private const string Marker = "echo 'nanny-patch: started' >&2\n";
    private static readonly string[] Programs = ["pct", "qm", "systemctl", "ha-manager", "ceph"];
    private readonly LabHost host = new();
    private readonly HttpClient http = ServerHttp.Create();
    private readonly HurriedClock clock = new() { Hurried = false };
    private readonly CancellationTokenSource stopping = new();
    private ControlPlane server = null!;
    private AgentTokens tokens = null!;
    private ScriptCache scripts = null!;

    public async ValueTask InitializeAsync()
    {
        server = await ControlPlane.Start();
        host.WriteFacts();
        host.Container(100);
        host.Runs(100);
        host.Command("lxc-info", $"echo {Environment.ProcessId}");
        foreach (var program in Programs)
        {
            host.Command(program, $"echo \"$*\" >> $root/{program}.calls");
        }

        RunningAgent.Register(host, server);
        tokens = new(new TokenEndpoint(server.Servers(http)), host.Host, Credentials.Load(host.Host)!, TimeProvider.System, NullLogger.Instance);
        scripts = new(server.Servers(http), tokens, host.Host, new ScriptTrust(host.Host, customScripts: false));
    }

    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await server.DisposeAsync();
        scripts.Dispose();
        tokens.Dispose();
        http.Dispose();
        stopping.Dispose();
        host.Dispose();
    }

    public static TheoryData<string> Kinds => ["patch-guest", "patch-host", "reboot-guest", "reboot-host", "diagnose", "set-maintenance", "set-ceph-flag", "migrate-guest", "power-guest"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Of_no_kind_does_a_job_begin_once_its_time_has_come(string kind)
    {
        var jobs = Runtime();
        jobs.Resume(stopping.Token);
        jobs.Receive(Job(kind) with { StartBy = clock.GetUtcNow() });
        await EndsLate(jobs);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task Nor_does_it_for_the_next_agent(string kind)
    {
        Journal().Add(Job(kind) with { StartBy = clock.GetUtcNow().AddHours(1) });
        clock.WallOffset = TimeSpan.FromHours(2);
        var jobs = Runtime();
        jobs.Resume(stopping.Token);
        await EndsLate(jobs);
    }

    [Theory]
    [InlineData("patch-guest")]
    [InlineData("reboot-guest")]
    public async Task A_job_that_waits_for_a_lock_does_so_no_longer_than_it_may_begin(string kind)
    {
        host.Container(100, "lock: backup\n");
        var jobs = Runtime();
        jobs.Resume(stopping.Token);
        clock.Hurried = true;
        jobs.Receive(Job(kind) with { StartBy = clock.GetUtcNow().AddMinutes(30) });
        await EndsLate(jobs);
    }

    [Fact]
    public async Task A_job_whose_time_came_while_another_was_at_work_does_not_begin()
    {
        var gate = Path.Combine(host.Directory, "gate");
        Posix.MakePipe(gate);
        host.RealPct();
        var jobs = Runtime();
        jobs.Resume(stopping.Token);
        jobs.Receive(RunningAgent.Job(server.Script("apt-update.sh", $"{Marker}read line < {gate}"), number: 2));
        await Eventually.Until(() => host.Calls("pct") is 1, "the first job");
        jobs.Receive(Job("reboot-guest") with { StartBy = clock.GetUtcNow().AddHours(1) });
        clock.WallOffset = TimeSpan.FromHours(2);
        await File.WriteAllTextAsync(gate, "go on\n");
        Assert.Equal(JobOutcome.Succeeded, (await End(jobs)).Outcome); // begun in time, it goes on however late
        Assert.StartsWith("not started: ", (await End(jobs)).Detail, StringComparison.Ordinal);
        Assert.Equal(1, host.Calls("pct"));
    }

    [Fact]
    public async Task A_container_that_was_started_for_a_job_which_then_was_too_late_is_stopped_again()
    {
        host.Runs();
        host.Container(100, "net0: name=eth0\n");
        host.Command("pct", "echo \"$1\" >> $root/pct.calls");
        host.Command("lxc-info", ":"); // no address ever
        var jobs = Runtime();
        jobs.Resume(stopping.Token);
        clock.OnWait = () => clock.WallOffset = File.Exists(Path.Combine(host.Directory, "pct.calls")) ? TimeSpan.FromHours(2) : default;
        clock.Hurried = true;
        jobs.Receive(RunningAgent.Job(server.Script("apt-update.sh", Marker)) with { StartStopped = true, StartBy = clock.GetUtcNow().AddHours(1) });
        Assert.StartsWith("not started: it had to begin by ", (await End(jobs)).Detail, StringComparison.Ordinal);
        Assert.Equal("start\nshutdown\n", host.Read("pct.calls"));
    }

    [Fact]
    public async Task A_job_that_was_begun_in_time_is_taken_up_however_late()
    {
        var job = new RebootHost(Id(1), 600) { StartBy = clock.GetUtcNow().AddHours(1) };
        Journal().Add(job).Start("another boot");
        clock.WallOffset = TimeSpan.FromHours(2);
        var jobs = Runtime();
        jobs.Resume(stopping.Token);
        Assert.DoesNotContain("not started", (await End(jobs)).Detail ?? string.Empty, StringComparison.Ordinal);
    }

    private async Task EndsLate(JobRuntime jobs)
    {
        var end = await End(jobs);
        Assert.Equal((JobOutcome.Failed, null), (end.Outcome, end.StartedAt));
        Assert.StartsWith("not started: it had to begin by ", end.Detail, StringComparison.Ordinal);
        Assert.Equal(0, Programs.Sum(host.Calls));
    }

    private Job Job(string kind) => kind switch
    {
        "patch-guest" => RunningAgent.Job(server.Script("apt-update.sh", Marker)) with { WaitSeconds = 86400 },
        "patch-host" => new PatchHost(Id(1), 600, PatchMode.Apply, [], server.Script("apt-update.sh", Marker)),
        "reboot-guest" => new RebootGuest(Id(1), 600, new Vmid(100)) { WaitSeconds = 86400 },
        "reboot-host" => new RebootHost(Id(1), 600),
        "diagnose" => new Diagnose(Id(1), 600, new Vmid(100)),
        "set-maintenance" => new SetMaintenance(Id(1), 600, NodeName.Parse("pve2"), On: true),
        "set-ceph-flag" => new SetCephFlag(Id(1), 600, "noout", On: true),
        "migrate-guest" => new MigrateGuest(Id(1), 600, new Vmid(100), NodeName.Parse("pve2")),
        "power-guest" => new PowerGuest(Id(1), 600, new Vmid(100), On: false),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    private static JobId Id(int number) => JobId.Parse(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"01JDMT2Q4N{number:D16}"));

    private static async Task<JobReport> End(JobRuntime jobs)
    {
        while (true)
        {
            if (await jobs.Due.ReadAsync().AsTask().Within("the end") is { Outcome: var outcome } due && outcome.IsFinal())
            {
                return jobs.Report(due)!;
            }
        }
    }

    private JobJournal Journal() => new(host.Host, clock);

    private JobRuntime Runtime()
    {
        NodeName? node = Credentials.Load(host.Host)!.Node;
        var reads = new BoundedReads(Eventually.Limit);
        return new(Journal(), new PatchHandler(host.Host, node, reads, scripts, clock, NullLogger.Instance), clock, NullLogger.Instance)
        {
            GuestReboots = new RebootGuestHandler(host.Host, node, reads, clock, NullLogger.Instance),
            HostReboots = new RebootHostHandler(host.Host, isProxmox: true, clock, NullLogger.Instance),
            HostCommands = new HostCommandHandler(host.Host, node, reads, clock, NullLogger.Instance),
            Diagnoses = new DiagnoseHandler(host.Host, new Doctor(host.Host, node, reads, clock, _ => Task.FromResult<string?>(null)), clock),
        };
    }
}
