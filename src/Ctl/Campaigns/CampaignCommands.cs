using System.CommandLine;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace NannyOrleans.Ctl.Campaigns;

/// <summary><c>nannyctl campaign ...</c></summary>
internal static class CampaignCommands
{
    private static readonly Argument<string> Cluster = new("CLUSTER") { Description = "The cluster: its id, or its name where only one has it." };

    public static Command Build()
    {
        var command = new Command("campaign", "Rolling campaigns: a cluster patched node by node without ever giving up quorum.");
        command.Subcommands.Add(PlanIt());
        command.Subcommands.Add(Start());
        command.Subcommands.Add(Watch());
        command.Subcommands.Add(List());
        command.Subcommands.Add(Change("pause", "Hold it back: what is under way is brought to its end and put back, nothing new is begun."));
        command.Subcommands.Add(Change("resume", "Go on after a pause or a halt; what failed is tried again."));
        command.Subcommands.Add(Change("abort", "End it: nothing new is begun; maintenance mode and Ceph's flags come off."));
        command.Subcommands.Add(Approve());
        return command;
    }

    private static Command PlanIt()
    {
        var order = new OrderOptions();
        var command = order.AddTo(new("plan", "What a campaign would do if it were started now, node by node, with every reason why not. Nothing is touched. Exit code 3: it could not be started.") { Cluster });
        command.SetAction((parsed, cancellation) => CommandLine.Run(parsed, async server =>
        {
            var plan = await server.Post<Plan>($"{Path(parsed)}/plan", order.Read(parsed), cancellation);
            AnsiConsole.Console.Write(PlanView.Of(plan));
            return plan.Refusal is null ? ExitCodes.Done : ExitCodes.NotAll;
        }));
        return command;
    }

    private static Command Start()
    {
        var order = new OrderOptions();
        var detach = new Option<bool>("--detach") { Description = "Say the campaign's id and do not wait." };
        var command = order.AddTo(new("start", "Start a campaign and watch it. Exit code 0: all done, 3: it halted, was aborted or left a node out.") { Cluster, detach });
        command.SetAction((parsed, cancellation) => CommandLine.Run(parsed, async server =>
        {
            var campaign = await server.Post<Campaign>(Path(parsed), order.Read(parsed), cancellation);
            if (parsed.GetValue(detach))
            {
                Console.WriteLine(Safe.Line(campaign.Id));
                return ExitCodes.Done;
            }

            return await new CampaignWatch(server, AnsiConsole.Console, parsed.GetValue(Cluster)!, campaign.Id).Run(cancellation);
        }));
        return command;
    }

    private static Command Watch()
    {
        var id = Id();
        var command = new Command("watch", "Watch a campaign until it ends or halts. Exit code 0: all done, 3: it halted, was aborted or left a node out.") { Cluster, id };
        command.SetAction((parsed, cancellation) => CommandLine.Run(parsed, async server =>
            await new CampaignWatch(server, AnsiConsole.Console, parsed.GetValue(Cluster)!, await Which(server, parsed, id, cancellation)).Run(cancellation)));
        return command;
    }

    private static Command List()
    {
        var cluster = new Argument<string?>("CLUSTER") { Description = "The cluster: its id, or its name where only one has it; all without it.", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("list", "Campaigns, the newest 100 first.") { cluster };
        command.SetAction((parsed, cancellation) => CommandLine.Run(parsed, async server =>
        {
            var named = parsed.GetValue(cluster);
            var names = named is null ? (await server.Get<IReadOnlyList<Cluster>>("api/clusters", cancellation)).ToDictionary(one => one.Id, one => one.Name) : [];
            var table = new Table().Border(TableBorder.Rounded).AddColumns(["campaign", "status", "started", "ended", "nodes", .. named is null ? ["cluster"] : Array.Empty<string>(), ""]);
            foreach (var campaign in await server.Get<IReadOnlyList<Campaign>>(named is null ? "api/campaigns" : PathOf(named), cancellation))
            {
                string?[] cells =
                [
                    campaign.Id, campaign.Status, $"{campaign.StartedAt.ToLocalTime():yyyy-MM-dd HH:mm}", $"{campaign.EndedAt?.ToLocalTime():yyyy-MM-dd HH:mm}",
                    $"{campaign.Nodes.Count(node => node.Step is "done")} of {campaign.Nodes.Count} done", .. named is null ? [names.GetValueOrDefault(campaign.Cluster, campaign.Cluster)] : Array.Empty<string>(), campaign.Reason,
                ];
                table.AddRow(cells.Select(cell => new Text(Safe.Line(cell))));
            }

            AnsiConsole.Console.Write(table);
            return ExitCodes.Done;
        }));
        return command;
    }

    private static Command Change(string verb, string description)
    {
        var id = Id();
        var command = new Command(verb, description) { Cluster, id };
        command.SetAction((parsed, cancellation) => CommandLine.Run(parsed, async server =>
            Say(await server.Post<Campaign>($"{Path(parsed)}/{await Which(server, parsed, id, cancellation)}/{verb}", null, cancellation))));
        return command;
    }

    private static Command Approve()
    {
        var node = new Argument<string>("NODE") { Description = "The node that may be rebooted." };
        var id = Id();
        var command = new Command("approve", "Allow the reboot of a node that awaits it.") { Cluster, node, id };
        command.SetAction((parsed, cancellation) => CommandLine.Run(parsed, async server => Say(await server.Post<Campaign>(
            $"{Path(parsed)}/{await Which(server, parsed, id, cancellation)}/approve", new JsonObject { ["node"] = parsed.GetValue(node) }, cancellation))));
        return command;
    }

    private static int Say(Campaign campaign)
    {
        Console.WriteLine(Safe.Line($"Campaign {campaign.Id} is {campaign.Status}. {campaign.Reason}"));
        return ExitCodes.Done;
    }

    private static Argument<string?> Id() => new("ID") { Description = "The campaign; the newest without it.", Arity = ArgumentArity.ZeroOrOne };

    private static string Path(ParseResult parsed) => PathOf(parsed.GetValue(Cluster)!);

    private static string PathOf(string cluster) => $"api/clusters/{Uri.EscapeDataString(cluster)}/campaigns";

    private static async Task<string> Which(NannyServer server, ParseResult parsed, Argument<string?> id, CancellationToken cancellation) => parsed.GetValue(id) is { } named
        ? Uri.EscapeDataString(named)
        : await server.Get<IReadOnlyList<Campaign>>($"{Path(parsed)}?limit=1", cancellation) is [var newest, ..]
            ? newest.Id
            : throw new CtlFailure($"Cluster {parsed.GetValue(Cluster)} never had a campaign.");
}
