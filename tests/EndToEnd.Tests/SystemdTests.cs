namespace NannyOrleans.EndToEnd.Tests;

/// <summary>The agent as it is shipped: its unit, under a real systemd.</summary>
[Collection("one lab")] // its server is restarted by the others
public sealed class SystemdTests(Cluster cluster)
{
    // Says that it runs, waits for the test, and then does to the agent what its package will do.
    private const string Upgrade = """
        systemctl show -p NoNewPrivileges -p ProtectSystem -p ControlGroup "$(cat /proc/self/cgroup | sed -n 's/.*\/\(nannyagent-job-[^/]*\.service\).*/\1/p' | head -n 1)" >/run/job
        mkfifo /run/gate
        : >/run/there
        read line </run/gate
        systemctl daemon-reload
        systemctl restart nannyagent
        echo upgraded >/boot/nannyagent
        """;

    [Fact]
    public async Task A_package_that_restarts_the_agent_in_the_middle_of_its_job_is_installed_once_and_its_result_arrives()
    {
        Cluster.NeedContainers();
        await using var machine = await SystemdMachine.Boot(cluster.Server);
        await machine.Install(new("nannyagent", "1.0"));
        await machine.Publish(new("nannyagent", "2.0") { PostInstall = Upgrade });
        await machine.Register(cluster.Server);
        await machine.Succeed("systemctl start nannyagent");
        var rows = await machine.WithJournal(cluster.Server.Until(
            () => cluster.Server.Get("/api/agents?filter=hostname%3D%3D'systemd-01'"), rows => rows.AsArray() is [{ } row] && (string?)row["status"] is "online", "the machine to be online"));
        var first = await machine.Succeed("systemctl show -p MainPID --value nannyagent");

        // The agent itself can write nothing but what is its own.
        var written = await machine.Try($"nsenter -t {first.Trim()} -m sh -c 'touch /var/lib/nannyagent/may && rm /var/lib/nannyagent/may; for d in /usr /boot /etc /root /srv /var/lib/dpkg; do touch $d/may-not && echo $d; done'");
        Assert.Equal(6, written.Split("Read-only file system").Length - 1);

        var id = await cluster.Server.StartPatch((string)rows.AsArray()[0]!["id"]!, "apply");
        await machine.WithJournal(cluster.Server.Until(() => machine.Try("ls /run/there"), there => there is "/run/there\n", "the package to be configured"));

        // Killed, started again, its unit read anew: the job is not the agent's child.
        await machine.Succeed("systemctl kill -s KILL nannyagent; systemctl daemon-reload; systemctl restart nannyagent");
        await machine.Succeed("echo go >/run/gate");
        var operation = await machine.WithJournal(cluster.Server.Operation(id, "succeeded", "failed", "interrupted"));
        Assert.True((string?)operation["status"] is "succeeded", operation.ToJsonString());
        Assert.Equal(["nannyagent"], PatchingTests.Texts(operation["packages_upgraded"]));

        Assert.Equal("2.0", await machine.Succeed("cat /usr/share/nannyagent/version.all"));
        Assert.Equal("upgraded\n", await machine.Succeed("cat /boot/nannyagent"));
        Assert.Equal("1\n", await machine.Succeed("grep -c ' upgrade nannyagent:' /var/log/dpkg.log"));
        Assert.NotEqual(first, await machine.Succeed("systemctl show -p MainPID --value nannyagent"));
        var unit = await machine.Succeed("cat /run/job");
        Assert.Contains($"ControlGroup=/nannyagent.slice/nannyagent-job-{id}.service", unit, StringComparison.Ordinal);
        Assert.Contains("ProtectSystem=no", unit, StringComparison.Ordinal);
        await cluster.Server.Until(() => machine.Succeed("systemctl list-units --all --plain --no-legend 'nannyagent-job-*'"), units => units.Length is 0, "the job's unit to be gone");
    }

    [Fact]
    public async Task The_server_runs_confined_in_its_unit_and_is_saved_by_that_for_backups()
    {
        Cluster.NeedContainers();
        await using var machine = await SystemdMachine.Boot(cluster.Server);
        await machine.Succeed("useradd --system --home-dir /var/lib/nannyorleans --shell /usr/sbin/nologin nannyorleans && install -d -o nannyorleans -g nannyorleans -m 0700 /var/backups/nannyorleans && mkdir /etc/nannyorleans");
        await machine.Succeed("echo ASPNETCORE_URLS=http://127.0.0.1:0 >/etc/nannyorleans/api.env && echo NANNY_Silo__Port=0 >>/etc/nannyorleans/api.env && chmod 0600 /etc/nannyorleans/api.env");
        await machine.Succeed("systemctl start nanny-api");
        var log = await machine.WithJournal(cluster.Server.Until(() => machine.Try("journalctl -u nanny-api -o cat"), said => said.Contains("Application started", StringComparison.Ordinal), "the server to have started"));
        var url = log.Split('\n').First(line => line.Contains("Now listening on: ", StringComparison.Ordinal)).Split("Now listening on: ")[1];
        using var client = new HttpClient { BaseAddress = new(url) };
        Assert.Equal("ok\n", await client.GetStringAsync("/healthz"));

        var pid = (await machine.Succeed("systemctl show -p MainPID --value nanny-api")).Trim();
        Assert.Equal("2\n", await machine.Succeed($"sed -n 's/^Seccomp:[[:space:]]*//p' /proc/{pid}/status")); // its calls are filtered
        Assert.Equal("0000000000000000\n", await machine.Succeed($"sed -n 's/^CapBnd:[[:space:]]*//p' /proc/{pid}/status"));

        await machine.Succeed("systemctl start nanny-backup");
        Assert.Equal("600 nannyorleans\n", await machine.Succeed("stat -c '%a %U' /var/backups/nannyorleans/*/grains.db"));
        await machine.Succeed("systemctl stop nanny-api");
        Assert.Equal("success\n", await machine.Succeed("systemctl show -p Result --value nanny-api"));
    }
}
