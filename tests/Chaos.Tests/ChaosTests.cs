using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Npgsql;

namespace NannyOrleans.Chaos.Tests;

/// <summary>Everything dies at random while patches and campaigns run; then it is looked whether all that was promised came true, once.</summary>
public sealed class ChaosTests
{
    private static readonly string[] Three = ["pve1", "pve2", "pve3"];
    private static readonly int[] Containers = [100, 101, 102];

    private static readonly double Minutes = double.Parse(Environment.GetEnvironmentVariable("NANNY_CHAOS_MINUTES") ?? "2", CultureInfo.InvariantCulture);
    private static readonly int Seed = int.Parse(Environment.GetEnvironmentVariable("NANNY_CHAOS_SEED") ?? "1", CultureInfo.InvariantCulture);
    private static readonly int Generated = int.Parse(Environment.GetEnvironmentVariable("NANNY_CHAOS_HOSTS") ?? "20", CultureInfo.InvariantCulture);

    [Fact]
    public async Task Whatever_dies_every_operation_ends_in_its_true_state_no_script_runs_twice_and_quorum_holds()
    {
        NeedRealThings();
        var watch = Stopwatch.StartNew();
        var phases = new List<string>();
        void Ended(string phase)
        {
            phases.Add(string.Create(CultureInfo.InvariantCulture, $"{phase} {watch.Elapsed.TotalSeconds:0} s"));
            watch.Restart();
        }

        var marks = Directory.CreateTempSubdirectory("nanny-chaos-").FullName; // where simulated containers leave theirs: they have no file system of their own
        File.SetUnixFileMode(marks, (UnixFileMode)0b001_111_111_111);
        await using var real = new Fleet("real", Three, ["--ha-round-seconds", "0.2"]);
        await using var generated = new Fleet("generated", [.. Enumerable.Range(1, Generated).Select(number => $"pve{number}")], ["--simulated"]);
        await using var plane = await ControlPlane.Start();
        try
        {
            await Task.WhenAll(real.Up(Plan(Three, Containers)), generated.Up(Plan(generated.Hosts, [.. Enumerable.Range(200, Generated)])));
            Ended("made in");
            await real.Connect(plane);
            await generated.Connect(plane);
            await Known(plane, Three.Length + Generated, Containers.Length + Generated);
            Ended("connected in");
            var added = await plane.Send(
                HttpMethod.Post, "/api/scripts", new JsonObject { ["name"] = "chaos.sh", ["platform_family"] = "debian", ["os_version"] = "12", ["content"] = Script(marks) });
            Assert.True(added.Status is 201, $"{added.Status}: {added.Body}");

            var (work, killed) = await Run(plane, real, generated);
            Ended("chaos");
            await Settled(plane);
            Ended("settled in");
            await work.Finish(TimeSpan.FromMinutes(5));
            await Settled(plane);
            Ended("last campaign ended in");
            await Verdict(plane, real, work, killed, marks, string.Join(", ", phases));
        }
        catch (Exception failure) when (failure is not Xunit.Sdk.IAssertionException)
        {
            throw new InvalidOperationException($"{failure.Message}\n{Tail(plane.Said)}", failure);
        }
        finally
        {
            Directory.CreateDirectory(Artifacts);
            await File.WriteAllTextAsync($"{Artifacts}/chaos-said.txt", plane.Said + string.Join('\n', real.Agents.Concat(generated.Agents).Select(one => $"== {one.Name}\n{one.Log}")));
            Directory.Delete(marks, recursive: true);
        }
    }

    private static async Task<(Workload Work, ConcurrentDictionary<string, int> Killed)> Run(ControlPlane plane, Fleet real, Fleet generated)
    {
        var random = new Random(Seed);
        string? cluster = null;
        foreach (var one in (await plane.Get("/api/clusters")).AsArray())
        {
            cluster = (await plane.Get($"/api/clusters/{one!["id"]}/nodes")).AsArray().Count == Three.Length ? (string?)one["id"] : cluster;
        }

        var agents = await plane.Get("/api/agents");
        string[] guests = [.. agents.AsArray().Where(row => (string?)row!["proxmox_role"] is not "host").Select(row => (string)row!["id"]!)];
        var work = new Workload(plane, guests, cluster!, new(Seed + 1));
        using var enough = new CancellationTokenSource();
        Task[] people = [work.Patch(enough.Token), work.Patch(enough.Token), work.Walk(enough.Token), work.Look(enough.Token)];

        var killed = new ConcurrentDictionary<string, int>();
        (string Kind, Func<Task> Kill, Func<Task> Start)[] victims =
        [
            .. plane.Silos.Select(one => Victim("silo", one)), .. plane.Apis.Select(one => Victim("api", one)), Victim("haproxy", plane.Haproxy),
            ("postgresql", plane.Postgres.Kill, plane.Postgres.Start), ("postgresql", plane.Postgres.Kill, plane.Postgres.Start),
            .. real.Agents.Select(one => Victim("agent", one)), .. generated.Agents.Take(6).Select(one => Victim("agent", one)),
        ];
        var watch = Stopwatch.StartNew();
        while (watch.Elapsed < TimeSpan.FromMinutes(Minutes))
        {
            await Task.Delay(random.Next(1000, 6000), CancellationToken.None);
            var (kind, kill, start) = victims[random.Next(victims.Length)];
            await kill();
            killed.AddOrUpdate(kind, 1, (_, count) => count + 1);
            await Task.Delay(random.Next(0, 3000), CancellationToken.None);
            await start();
            foreach (var one in plane.All)
            {
                await one.Tend();
            }
        }

        await enough.CancelAsync();
        await Task.WhenAll(people);
        return (work, killed);

        static (string, Func<Task>, Func<Task>) Victim(string kind, Supervised one) => (kind, one.Kill, () => one.Start(wait: false));
    }

    /// <summary>All operations have ended.</summary>
    private static async Task Settled(ControlPlane plane)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            foreach (var one in plane.All)
            {
                await one.Tend();
            }

            var alive = await Ask(plane, """SELECT "Id" || ' ' || "Target" || ' ' || "Status" FROM operations WHERE "Completed" IS NULL""");
            if (alive.Count is 0)
            {
                return;
            }

            Assert.True(watch.Elapsed < TimeSpan.FromMinutes(4), $"Four minutes after the last kill these have not ended:\n{string.Join('\n', alive)}");
            await Task.Delay(1000, CancellationToken.None);
        }
    }

    private static async Task Verdict(ControlPlane plane, Fleet real, Workload work, ConcurrentDictionary<string, int> killed, string marks, string phases)
    {
        var operations = (await Ask(plane, """SELECT "Record" FROM operations WHERE "Kind" = 'Patch' AND "RequestedBy" = 'admin'""")).Select(record => JsonNode.Parse(record)!)
            .Where(operation => operation["exclusions"]!.AsArray().Count is 1).ToDictionary(operation => (string)operation["id"]!);
        var audited = (await Ask(plane, "SELECT \"Detail\" FROM audit_log WHERE \"Action\" = 'queue-job'")).Select(detail => detail.Split(',')[0]).ToHashSet(StringComparer.Ordinal);
        var left = new List<string>();
        foreach (var vmid in Containers)
        {
            left.AddRange((await real.Read(vmid, "/root/ran")).Split('\n', StringSplitOptions.RemoveEmptyEntries));
        }

        left.AddRange(Directory.EnumerateFiles(marks).SelectMany(File.ReadAllLines));
        var ran = left.GroupBy(mark => mark).ToDictionary(group => group.Key, group => group.Count());
        var campaigns = (await work.Campaigns()).GroupBy(status => status).ToDictionary(group => group.Key, group => group.Count());
        var referee = await real.Verb("referee");

        var lost = work.Promised.Keys.Count(id => !operations.ContainsKey(id));
        var doubled = ran.Count(one => one.Value > 1);
        var untrue = operations.Values.Count(operation => !IsTrue(operation, ran.ContainsKey((string)operation["exclusions"]![0]!)));
        var figures = new StringBuilder().AppendLine(CultureInfo.InvariantCulture, $"seed {Seed}, {Minutes} min, 3 silos, 2 api, {Three.Length} hosts with real containers, {Generated} generated")
            .AppendLine(phases)
            .AppendLine(CultureInfo.InvariantCulture, $"killed: {Counted(killed)}")
            .AppendLine(CultureInfo.InvariantCulture, $"answers to requests for a patch: {Counted(work.Answers)}")
            .AppendLine(CultureInfo.InvariantCulture, $"operations: {Counted(operations.Values.GroupBy(End).ToDictionary(group => group.Key, group => group.Count()))}")
            .AppendLine(CultureInfo.InvariantCulture, $"scripts that ran: {ran.Count}, more than once: {doubled}")
            .AppendLine(CultureInfo.InvariantCulture, $"campaigns: {Counted(campaigns)}; resumed after a halt {work.Resumed} times")
            .AppendLine(CultureInfo.InvariantCulture, $"longest time without an answer to a look: {string.Join(", ", work.Outages.OrderDescending().Take(3).Select(one => $"{one.TotalSeconds:0.0} s"))}")
            .AppendLine(referee[referee.IndexOf("minimum online votes", StringComparison.Ordinal)..].Trim())
            .AppendLine(Figure("chaos-lost", lost))
            .AppendLine(Figure("chaos-doubled", doubled))
            .AppendLine(Figure("chaos-untrue", untrue)).ToString();
        Directory.CreateDirectory(Artifacts);
        await File.WriteAllTextAsync($"{Artifacts}/chaos.txt", figures);
        TestContext.Current.SendDiagnosticMessage(figures);

        Assert.True(operations.Count > 0 && work.Promised.Count > 10, figures);
        Assert.Empty(work.Answers.Keys.Except([0, 202, 502, 503, 504])); // "there is no such guest" would be a lie
        Assert.All(work.Promised, promised => Assert.True(operations.ContainsKey(promised.Key), $"{promised.Key} was promised and is not there.\n{figures}"));
        Assert.All(operations.Values, operation => Assert.Contains($"operation {operation["id"]}", audited));
        Assert.All(ran, one => Assert.True(one.Value is 1, $"The script with {one.Key} ran {one.Value} times.\n{figures}"));
        Assert.All(operations.Values, operation => Assert.True(IsTrue(operation, ran.ContainsKey((string)operation["exclusions"]![0]!)), $"{operation}\n{figures}"));
        Assert.Empty(ran.Keys.Except(operations.Values.Select(operation => (string)operation["exclusions"]![0]!))); // nothing ran that nobody knows of
        Assert.Equal(["completed"], campaigns.Keys);
        Assert.Contains("quorum held", referee, StringComparison.Ordinal);

        // Three silos have written it at once, each of them and the database were killed in the middle.
        var (code, said) = await plane.VerifyAudit();
        Assert.True(code is 0, said);
    }

    private static string Figure(string name, int value) => $"figure {name} {value} operations target = 0 {(value is 0 ? "met" : "missed")}";

    private static string End(JsonNode operation) => $"{operation["status"]}{(operation["failure"] is { } failure ? $" ({failure["code"]})" : "")}";

    /// <summary>Whether what is said of an operation is what its guest has seen.</summary>
    private static bool IsTrue(JsonNode operation, bool ran) => (string?)operation["status"] switch
    {
        "Succeeded" or "succeeded" => ran,
        "Interrupted" or "interrupted" => true, // it had begun; how far it came is what cannot be known
        _ => !ran || operation["started_at"] is not null,
    };

    private static string Counted<TKey>(IReadOnlyDictionary<TKey, int> counts)
        where TKey : notnull => string.Join(", ", counts.OrderBy(one => $"{one.Key}", StringComparer.Ordinal).Select(one => $"{one.Key} {one.Value}"));

    private static Task<JsonNode> Known(ControlPlane plane, int hosts, int containers) => Waiting.Until(
        () => plane.Get("/api/agents"),
        rows => rows.AsArray().Count(row => (string?)row!["proxmox_role"] is "host" && (string?)row["status"] is "online") == hosts
            && rows.AsArray().Count(row => (string?)row!["status"] is "running" && row["os"] is not null && row["problem"] is null) == containers,
        "all hosts and their running containers' systems");

    private static async Task<List<string>> Ask(ControlPlane plane, string query)
    {
        await using var database = NpgsqlDataSource.Create(plane.Database);
        await using var command = database.CreateCommand(query);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await reader.ReadAsync())
        {
            rows.Add(reader.GetString(0));
        }

        return rows;
    }

    private static string Plan(IReadOnlyList<string> hosts, int[] guests) => string.Join('\n', hosts.Select((host, index) => $"host {index + 1} {host} 10.97.{index / 250}.{(index % 250) + 1}")
        .Concat(guests.Select((vmid, index) => $"guest {vmid} lxc {hosts[index % hosts.Count]} on ct-{vmid}"))) + "\n";

    private static string Tail(string log) => log.Length > 8000 ? log[^8000..] : log;

    private static string Artifacts => Path.Combine(AppContext.BaseDirectory[..AppContext.BaseDirectory.LastIndexOf("/tests/", StringComparison.Ordinal)], "artifacts", "tests");

    private static void NeedRealThings()
    {
        var missing = !Environment.IsPrivilegedProcess ? "Real containers need root."
            : ((string[])["/usr/bin/lxc-start", "/usr/sbin/haproxy", "/usr/lib/postgresql/15/bin/initdb"]).FirstOrDefault(file => !File.Exists(file)) is { } absent ? $"{absent} is needed." : null;
        if (missing is not null)
        {
            Assert.False(Environment.GetEnvironmentVariable("CI") is { Length: > 0 }, $"In CI this must run: {missing}");
            Assert.Skip(missing);
        }
    }

    /// <summary>Leaves the operation's own mark, the name it is to exclude, and takes its time.</summary>
    private static string Script(string marks) =>
        $$"""
        #!/bin/sh
        printf 'nanny-patch: started\n' >&2
        mode=apply mark=none
        while [ $# -gt 0 ]; do
            case $1 in --dry-run) mode=dry-run ;; --exclude) shift; mark=$1 ;; esac
            shift
        done
        if [ -d {{marks}} ]; then echo "$mark" >>{{marks}}/ran; else echo "$mark" >>/root/ran; fi
        sleep 1
        printf '{"family":"apt","mode":"%s","packages":[],"kept_back":[],"held":[],"removed":[],"failed":[],' "$mode"
        printf '"reboot_required":null,"services_to_restart":null,"warnings":[]}\n'
        """;
}
