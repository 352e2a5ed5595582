using NannyOrleans.Lab.Cluster;

namespace NannyOrleans.Lab.Tests;

/// <summary>The referee counts votes from what the hosts are, and its verdict is an exit code.</summary>
public sealed class RefereeTests
{
    [Fact]
    public async Task Writes_each_change_of_votes_with_its_reason_and_judges()
    {
        await using var lab = await LabUnderTest.Up("--simulated", "--hosts", "3", "--containers", "0");
        await Done(lab, "power-off", "pve1");
        await Done(lab, "pmxcfs", "pve2", "stop"); // takes no vote away
        await Done(lab, "power-on", "pve1");
        var boot = await File.ReadAllTextAsync($"{lab.Root("pve3")}/proc/sys/kernel/random/boot_id");
        await lab.Must("pve3", "systemctl reboot");
        await lab.Must("pve1", $"while grep -q {boot.Trim()} {lab.Root("pve3")}/proc/sys/kernel/random/boot_id; do sleep 0.05; done").WaitAsync(TimeSpan.FromSeconds(60));
        var held = await lab.Verb("referee");
        Assert.Equal(
            ["pve1,pve2,pve3 on (up)", "pve1 off (power)", "pve1 on (power)", "pve3 off (reboot)", "pve3 on (reboot)"],
            held.StandardOutput.Split('\n').Skip(1).TakeWhile(l => l.Length > 0).Select(l => l[52..]));
        Assert.EndsWith("\nminimum online votes: 2 of 3, 2 needed\nquorum held\n", held.StandardOutput, StringComparison.Ordinal);
        Assert.Equal(0, held.ExitCode);

        await Done(lab, "network", "cut", "pve1");
        await Done(lab, "power-off", "pve2");
        var lost = await lab.Verb("referee");
        Assert.Contains("pve1 cut (network)\n", lost.StandardOutput, StringComparison.Ordinal);
        Assert.EndsWith("pve2 off (power)  NO QUORUM\n\nminimum online votes: 1 of 3, 2 needed\nquorum was lost\n", lost.StandardOutput, StringComparison.Ordinal);
        Assert.Equal(1, lost.ExitCode);

        await Done(lab, "power-on", "pve2");
        Assert.Equal(1, (await lab.Verb("referee")).ExitCode); // it was lost, whatever is now
        await Done(lab, "referee", "--restart");
        Assert.Equal(0, (await lab.Verb("referee")).ExitCode);
        Assert.Equal(0, (await lab.Verb("up", "--simulated", "--hosts", "3", "--containers", "0")).ExitCode); // the file is the lab's own
    }

    [Fact]
    public async Task A_qdevice_that_falls_silent_is_a_change_of_votes()
    {
        var plan = Path.GetTempFileName();
        await File.WriteAllTextAsync(plan, "host 1 pve1 10.99.0.11\nhost 2 pve2 10.99.0.12\nqdevice 10.99.0.9\n");
        await using var lab = await LabUnderTest.Up("--simulated", "--plan", plan);
        File.Delete(plan);
        await Done(lab, "power-off", "pve1");
        Assert.Equal(0, (await lab.Verb("referee")).ExitCode);
        await Done(lab, "qdevice", "off");
        var lost = await lab.Verb("referee");
        Assert.Contains("qdevice off (qdevice)  NO QUORUM\n\nminimum online votes: 1 of 3, 2 needed\n", lost.StandardOutput, StringComparison.Ordinal);
        Assert.Equal(1, lost.ExitCode);
    }

    [Theory]
    [InlineData("", false, "nothing was written")] // no record is no proof
    [InlineData("2026-11-25T22:00:00.000Z online=2 expected=3 quorum=2 host=a change=on why=up\n2026-11-25T22:0", false, "line 2 ")]
    [InlineData("2026-11-25T22:00:00.000Z online=many expected=3 quorum=2 host=a change=on why=up\n", false, "line 1 ")]
    [InlineData("2026-11-25T22:00:00.000Z online=1 expected=3 quorum=1 host=a change=on why=up\n", false, "quorum was lost")] // what is needed is counted, not read
    [InlineData("2026-11-25T22:00:00.000Z online=2 expected=3 quorum=2 host=a change=on why=up\n", true, "quorum held")]
    public void Judges_what_is_written_and_nothing_else(string file, bool held, string says)
    {
        var verdict = Referee.Judge(file, isClustered: true);
        Assert.Equal(held, verdict.Held);
        Assert.Contains(says, verdict.Text, StringComparison.Ordinal);
    }

    private static async Task Done(LabUnderTest lab, params string[] words)
    {
        var result = await lab.Verb(words);
        Assert.True(result.ExitCode is 0, result.StandardError);
    }
}
