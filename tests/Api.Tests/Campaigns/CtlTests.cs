using NannyOrleans.Api.Tests.Support;
using NannyOrleans.Ctl.Campaigns;
using NannyOrleans.Protocol.Jobs;
using Spectre.Console;

namespace NannyOrleans.Api.Tests.Campaigns;

/// <summary><c>nannyctl</c> as a process, against the real server.</summary>
public sealed class CtlTests(SharedServer shared)
{
    [Fact]
    public async Task A_campaign_is_planned_started_and_watched_to_its_end_a_line_for_each_thing_that_happens()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        await host.Connect(shared.Server.Url);
        await host.ReportInventory(CampaignTests.Seen(host, Some.Container()));
        var (code, said) = await Ctl("campaign", "plan", host.Cluster.Value, "--mode", "apply");
        Assert.Equal(0, code);
        Assert.Contains("pve1: 3 updates, reboot not needed so far", said, StringComparison.Ordinal);
        Assert.Contains("There is no other node to move to.", said, StringComparison.Ordinal);

        using var stop = new CancellationTokenSource();
        var reports = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await host.NextDiscover();
                await host.ReportInventory(CampaignTests.Seen(host));
            }
        }, CancellationToken.None);
        await using var start = Start("campaign", "start", host.Cluster.Value, "--mode", "apply", "--settle-seconds", "0", "--exclude", "nginx", "--exclude", "lib*");
        var job = await host.NextJob<PatchHost>();
        Assert.Equal(["lib*", "nginx"], job.Exclusions.Order());
        await host.Report(Some.Success(job));
        Assert.Equal(0, await start.Exit());
        await stop.CancelAsync();
        Assert.Contains("pve1      patch            It is being patched.", start.Log, StringComparison.Ordinal);
        Assert.Contains("completed: pve1 done", start.Lines[^1], StringComparison.Ordinal);

        var (watched, told) = await Ctl("campaign", "watch", host.Cluster.Value);
        Assert.Equal((0, start.Lines[^1]), (watched, told.Split('\n')[^1]));
        Assert.Contains("1 of 1 done", (await Ctl("campaign", "list", host.Cluster.Value)).Said, StringComparison.Ordinal);
        var id = start.Lines[^1].Split(' ')[1];
        var line = Assert.Single((await Ctl("campaign", "list")).Said.Split('\n'), line => line.Contains(id, StringComparison.Ordinal));
        Assert.Contains(host.ClusterName, line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_that_halts_ends_the_watch_with_the_reason_and_what_can_be_done()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        await host.Connect(shared.Server.Url);
        await host.ReportInventory(CampaignTests.Seen(host) with { Host = CampaignTests.Seen(host).Host! with { RunningTasks = ["backup of CT 100"] } });
        var (code, said) = await Ctl("campaign", "start", host.Cluster.Value, "--mode", "apply", "--gate-seconds", "1");
        Assert.Equal(3, code);
        Assert.Contains("pve1 is busy: backup of CT 100.", said, StringComparison.Ordinal);
        Assert.Contains($"To go on: nannyctl campaign resume {host.Cluster}. To end it and put back what it changed: nannyctl campaign abort {host.Cluster}", said.Split('\n'));
        var (aborted, answer) = await Ctl("campaign", "abort", host.Cluster.Value);
        Assert.Equal(0, aborted);
        Assert.Contains("Aborted by admin", answer, StringComparison.Ordinal);
        Assert.Equal(3, (await Ctl("campaign", "watch", host.Cluster.Value)).Code);
    }

    [Fact]
    public async Task What_the_server_refuses_is_said_in_its_own_words()
    {
        await using var host = await HostPeer.Register(shared.Admin, Some.Cluster());
        await host.Connect(shared.Server.Url);
        await host.ReportInventory(CampaignTests.Seen(host));
        Assert.Equal((1, "drain: It must be one of migrate, shutdown, leave.\nmode: It must be one of dry-run, apply."), Sorted(await Ctl("campaign", "start", host.Cluster.Value, "--mode", "now", "--drain", "kill")));
        Assert.Equal((1, "There is no cluster 'nowhere'."), await Ctl("campaign", "watch", "nowhere"));
        Assert.Equal((1, $"Cluster {host.Cluster} never had a campaign."), await Ctl("campaign", "pause", host.Cluster.Value));

        static (int, string) Sorted((int Code, string Said) answer) => (answer.Code, string.Join('\n', answer.Said.Split('\n').Order(StringComparer.Ordinal)));
    }

    [Theory]
    [InlineData("http://127.0.0.1:1", "", "http://127.0.0.1:1/ does not answer")]
    [InlineData("ftp://127.0.0.1", "", "must begin with http:// or https://")]
    [InlineData(null, "wrong", "the access token is missing or has expired")]
    public async Task Without_a_server_or_a_token_it_says_so_and_fails(string? url, string token, string words)
    {
        await using var program = new RunningProgram(
            [BuiltProgram.Of("Ctl"), "campaign", "list", "lab"], new Dictionary<string, string> { ["NANNY_URL"] = url ?? shared.Server.Url.ToString(), ["NANNY_TOKEN"] = token });
        Assert.Equal(1, await program.Exit());
        Assert.Contains(words, program.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void On_a_terminal_it_is_a_picture_in_which_no_name_can_command_the_terminal()
    {
        var now = Some.Noon;
        var display = new CampaignDisplay();
        display.Show(new("01M83HW1FS84CA000000000001", "lab", "running", null, "pve2", now.AddSeconds(-90), null,
        [
            new("pve1", "done", now.AddSeconds(-30), null, null, Rebooted: true),
            new("pve2", "ready", now.AddSeconds(-9), null, [new("tasks", "wait", "busy: backup of \u001b]0;owned\u0007 [red]CT")], Rebooted: false),
            new("pve3", "pending", now, null, null, Rebooted: false),
        ]));
        display.Tell(new(1, now, "pve2", "ready", "It says\u202e \u001b[2J\r\n[bold]hello"));
        var output = new StringWriter();
        var console = AnsiConsole.Create(new() { Ansi = AnsiSupport.No, Interactive = InteractionSupport.No, Out = new AnsiConsoleOutput(output) });
        console.Profile.Width = 160;
        console.Write(display.At(now, "The server does not answer, this is how it was: refused"));
        var lines = output.ToString().Split('\n', StringSplitOptions.TrimEntries);
        Assert.Contains(lines, line => line.Contains("running  1:30", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("pve2", StringComparison.Ordinal) && line.Contains("9 s", StringComparison.Ordinal) && line.Contains("busy: backup of ?]0;owned? [red]CT", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.EndsWith("It says? ?[2J??[bold]hello", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("this is how it was: refused", StringComparison.Ordinal));
        Assert.DoesNotContain(output.ToString(), letter => char.IsControl(letter) && letter is not '\n');
    }

    private RunningProgram Start(params string[] arguments) => new(
        [BuiltProgram.Of("Ctl"), .. arguments], new Dictionary<string, string> { ["NANNY_URL"] = shared.Server.Url.ToString(), ["NANNY_TOKEN"] = shared.Admin.Token! });

    private async Task<(int Code, string Said)> Ctl(params string[] arguments)
    {
        await using var program = Start(arguments);
        return (await program.Exit(), program.Log);
    }
}
