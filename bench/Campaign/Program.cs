using System.Text.Json.Nodes;
using NannyOrleans.Bench;
using NannyOrleans.Bench.Campaign;

// What a campaign costs beyond what its nodes need for themselves. Three lab hosts with real containers, real agents at their usual intervals and
// the real server; nothing generated, since what is measured is how long one waits for another. A node's own time is what its agent says of each
// job, from its begin to its end; waiting for the job to come, for its end to be told, for reports and for the next look is overhead.
//
// With nothing to drain the target can be taken by its word: wall time beyond patch, reboot and settle time. With guests to move, that would be
// mostly theirs, so that figure is beyond all work. What HA does by itself once it is asked, in rounds of its own, no job says: with HA there is the
// list and no figure. (A lab host's agent lives through the reboot and looks at the boot id again and again; a real one looks when it starts.
// That is in the reboot's own time. And Proxmox VE's commands, of which each report after a patch needs some, take far longer on a real host.)
const int Hosts = 3;
const int Containers = 6;

using (var server = await BenchServer.Start())
{
    await using var lab = await CampaignLab.Up(server, Hosts, Containers);
    var campaign = new RollingCampaign(server);
    await campaign.Ready(Hosts, Containers, running: Containers);
    await lab.ShutDownContainers();
    await campaign.Ready(Hosts, Containers, running: 0);
    var empty = await campaign.Walk(Order("if-needed"));
    Figures.Say($"{Hosts} hosts, all patched and rebooted, no guest runs:");
    empty.Print();

    await campaign.Ready(Hosts, Containers, running: Containers); // they have started with their hosts
    var drained = await campaign.Walk(Order("always"));
    Figures.Say($"{Hosts} hosts, all rebooted, {Containers} containers move away and home:");
    drained.Print();

    await lab.Verb("ha", "add", "100");
    await campaign.Ready(Hosts, Containers, running: Containers);
    Figures.Say($"The same with HA, which moves one of the containers, in rounds of 0.2 s (10 s on a real cluster):");
    (await campaign.Walk(Order("always"))).Print();
    if (!(await lab.Verb("referee")).Contains("quorum held", StringComparison.Ordinal))
    {
        throw new InvalidOperationException("The referee saw quorum lost.");
    }

    Figures.AtMost("campaign-overhead-per-node", empty.Overhead, "s", 2);
    Figures.AtMost("campaign-overhead-per-node-drained", drained.Waiting, "s", 2);
}

await PlanTimes.Measure();
Figures.Print();

static JsonObject Order(string reboot) => new() { ["mode"] = "apply", ["reboot"] = reboot, ["limits"] = new JsonObject { ["settle_seconds"] = 1 } };
