using System.Text.Json;
using NannyOrleans.Agent.Inventories;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Agent.Tests.Support;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Agent.Tests.Proxmox;

public sealed class RunningTasksTests
{
    [Theory]
    [InlineData("UPID:pve1:0000000A:00000014:65A00000:vzdump:100:root@pam: 0", false, "vzdump by root@pam (pid 10)")]
    [InlineData("UPID:pve1:0000000A:00000014:65A00000:vzdump:100:root@pam: 1 65A00001 OK", false, null)] // has ended
    [InlineData("UPID:pve1:0000000A:00000014:65A00000:vzdump:101:root@pam: 0", false, null)]
    [InlineData("UPID:pve1:0000000B:00000014:65A00000:vzdump:100:root@pam: 0", false, null)] // its process is gone
    [InlineData("UPID:pve1:0000000A:00000014:65A00000:vzdump::root@pam: 0", false, null)]
    [InlineData("UPID:pve1:0000000A:00000014:65A00000:vzdump::root@pam: 0", true, "vzdump by root@pam (pid 10)")] // a backup of all guests
    [InlineData("nonsense", true, null)]
    public void A_task_that_runs_is_found(string line, bool isLocked, string? expected)
    {
        var tasks = RunningTasks.Of($"{line}\n", new Vmid(100), isLocked, task => task is { Pid: 10, StartTime: 20 });
        Assert.Equal(expected is null ? [] : [expected], tasks);
    }

    [Theory]
    [InlineData("vzdump", "", true)] // of all guests
    [InlineData("vzdump", "100", true)]
    [InlineData("qmigrate", "200", true)]
    [InlineData("vzmigrate", "100", true)]
    [InlineData("hamigrate", "100", true)]
    [InlineData("migrateall", "", true)]
    [InlineData("startall", "", true)] // the node has just booted
    [InlineData("qmrestore", "200", true)]
    [InlineData("vzrestore", "100", true)]
    [InlineData("qmclone", "200", true)]
    [InlineData("vzclone", "100", true)]
    [InlineData("qmmove", "200", true)]
    [InlineData("move_volume", "100", true)]
    [InlineData("imgcopy", "", true)]
    [InlineData("qmdelsnapshot", "200", true)]
    [InlineData("cephcreateosd", "sdb", true)]
    [InlineData("vncproxy", "100", false)] // somebody has a console open, perhaps for days
    [InlineData("vncshell", "", false)]
    [InlineData("termproxy", "", false)]
    [InlineData("spiceproxy", "200", false)]
    [InlineData("aptupdate", "", false)]
    [InlineData("srvreload", "networking", false)]
    public void Only_what_works_on_guests_and_their_disks_counts(string type, string id, bool counts)
    {
        var (tasks, unclear) = RunningTasks.Read($"UPID:pve1:0000000A:00000014:65A00000:{type}:{id}:root@pam: 0\n", _ => true);
        Assert.Null(unclear);
        Assert.Equal(counts, Assert.Single(tasks).WorksOnGuests);
    }

    [Theory]
    [InlineData("UPID:pve1:0000000A:00000014:65A00000:vzdump:100:root@pam: 0\nUPID:pve1:00", "UPID:pve1:00")] // cut off
    [InlineData("UPID:pve1:XYZ:00000014:65A00000:vzdump:100:root@pam: 0", "UPID:pve1:XYZ:00000014:65A00000:vzdump:100:root@pam: 0")]
    [InlineData("UPID:pve1:0000000A:00000014:65A00000::100:root@pam: 0", "UPID:pve1:0000000A:00000014:65A00000::100:root@pam: 0")]
    [InlineData("UPID:pve1:0000000A:00000014:65A00000:vzdump:100:root@pam: 1 65A00001 job errors: a: b", null)]
    public void A_line_that_nobody_understands_is_said(string active, string? unclear) =>
        Assert.Equal(unclear, RunningTasks.Read(active, _ => true).Unclear);

    [Theory]
    [InlineData("", "")]
    [InlineData("\0\0", "")] // what a power loss leaves
    [InlineData("{}", "")]
    [InlineData("""{"100":{"local/pve2":{"last_try":1,"pid":10,"ptime":20},"local/pve3":{"last_sync":1}},"101":{"local/pve2":{"pid":11,"ptime":20}}}""", "replication of 100 (pid 10)")]
    [InlineData("""{"100":{"local/pve2":{"pid":"10","ptime":"20"}}}""", "replication of 100 (pid 10)")]
    [InlineData("""{"100":{"local/pve2":{"pid":10}}}""", "")]
    public void A_replication_runs_while_its_process_does(string state, string expected) =>
        Assert.Equal(expected, string.Join(' ', RunningTasks.Replicated(state, task => task is { Pid: 10, StartTime: 20 })));

    [Fact]
    public void A_broken_state_of_replications_is_none() =>
        Assert.Throws<JsonException>(() => RunningTasks.Replicated("{\"100\":", _ => true));

    [Fact]
    public async Task A_host_says_what_runs_on_it_and_what_is_free()
    {
        using var host = new LabHost();
        Assert.True(ProcessStat.TryParse(await File.ReadAllTextAsync("/proc/self/stat", TestContext.Current.CancellationToken), out var me));
        host.Write("var/log/pve/tasks/active", $"UPID:pve1:{me.Pid:X8}:{me.StartTime:X8}:65A00000:vzdump:100:root@pam: 0\nUPID:pve1:{me.Pid:X8}:{me.StartTime + 1:X8}:65A00000:vzdump:101:root@pam: 0\n");
        host.Write("var/lib/pve-manager/pve-replication-state.json", $"{{\"102\":{{\"local/pve2\":{{\"pid\":{me.Pid},\"ptime\":{me.StartTime}}}}}}}");
        host.Write("boot/vmlinuz-6.17.4-1-pve", "x");
        var problems = new List<string>();
        var seen = await new PveHostFacts(host.Host, new PveCalls(host.Host), TimeProvider.System).Read(NodeName.Parse("pve1"), problems, TestContext.Current.CancellationToken);
        Assert.Equal([$"vzdump of 100 by root@pam (pid {me.Pid})", $"replication of 102 (pid {me.Pid})"], seen.RunningTasks);
        Assert.True(seen is { RootFreeBytes: > 0, BootFreeBytes: > 0 });
    }

    [Theory]
    [InlineData(false, null, null, false)] // no list, and no directory where it would be: this is no answer
    [InlineData(true, null, null, true)] // Proxmox VE makes the file with the first task
    [InlineData(true, "", null, true)]
    [InlineData(true, "UPID:", null, false)]
    [InlineData(true, "", "{", false)]
    public async Task What_cannot_be_told_is_not_none(bool directory, string? active, string? state, bool isKnown)
    {
        using var host = new LabHost();
        if (directory)
        {
            host.Write("var/log/pve/tasks/index", "");
        }

        foreach (var (path, text) in new[] { ("var/log/pve/tasks/active", active), ("var/lib/pve-manager/pve-replication-state.json", state) })
        {
            if (text is not null)
            {
                host.Write(path, text);
            }
        }

        var seen = await new PveHostFacts(host.Host, new PveCalls(host.Host), TimeProvider.System).Read(NodeName.Parse("pve1"), [], TestContext.Current.CancellationToken);
        Assert.Equal(isKnown, seen.RunningTasks is { Count: 0 });
        Assert.Equal(isKnown, seen.RunningTasks is not null);
        Assert.Null(seen.BootFreeBytes); // there is no /boot here
    }
}
