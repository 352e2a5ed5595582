using System.CommandLine;
using System.Text.Json.Nodes;

namespace NannyOrleans.Ctl.Campaigns;

/// <summary>What a campaign is to do, as options. Each is a field of the request; what is not given is left to the server, and so is what is wrong with it.</summary>
internal sealed class OrderOptions
{
    private readonly List<(Option Option, string[] Field, Func<ParseResult, JsonNode?> Read)> options = [];

    public OrderOptions()
    {
        var mode = new Option<string>("--mode") { Description = "dry-run, or apply.", HelpName = "MODE", Required = true };
        options.Add((mode, ["mode"], parsed => parsed.GetValue(mode)));
        var nodes = new Option<string[]>("--node") { Description = "A node, several times in the order they are walked. Without it all, in the order that disturbs least.", HelpName = "NODE" };
        options.Add((nodes, ["nodes"], parsed => List(parsed.GetValue(nodes))));
        Text("--canary", "A node that goes first and is watched before the next.", "NODE", "canary");
        Seconds("--soak-seconds", "How long the canary is watched; 3600 without it.", "soak_seconds");
        Text("--guests", "Guests patched before their node: none (the usual), tagged, all.", "WHICH", "guests");
        Text("--guest-tag", "The tag that tagged means.", "TAG", "guest_tag");
        Text("--drain", "Running guests outside HA when their node reboots: migrate (the usual), shutdown, leave.", "HOW", "drain");
        Text("--reboot", "if-needed (the usual), always, never.", "WHEN", "reboot");
        Text("--on-failure", "stop (the usual), or skip-node.", "WHAT", "on_failure");
        Text("--without-quorum", "A node without which the rest would lose quorum: stop (the usual), or patch-only.", "WHAT", "without_quorum");
        Flag("--approve-reboots", "A person approves each reboot.", true, "approve_reboots");
        Flag("--no-ceph-flags", "Do not tell Ceph to keep its data where it is while a node reboots.", false, "ceph_flags");
        Flag("--accept-repository-problems", "Patch nodes though something is wrong with their package repositories.", true, "accept_repository_problems");
        Text("--window-end", "When no further node may be begun, such as 2026-12-01T04:00:00Z.", "TIME", "window_end");
        var exclusions = new Option<string[]>("--exclude") { Description = "A package to leave as it is, or a pattern; several times.", HelpName = "PACKAGE" };
        options.Add((exclusions, ["exclusions"], parsed => List(parsed.GetValue(exclusions))));
        foreach (var (step, what) in new[]
        {
            ("gate", "waiting for conditions"), ("patch", "patching"), ("drain", "draining, or bringing guests home,"), ("reboot", "a reboot"),
            ("switch", "switching maintenance mode or Ceph's flags"),
        })
        {
            Seconds($"--{step}-seconds", $"How long {what} may take.", "limits", $"{step}_seconds");
        }

        Seconds("--settle-seconds", "How long a node is left alone before the next.", "limits", "settle_seconds");
    }

    public Command AddTo(Command command)
    {
        foreach (var (option, _, _) in options)
        {
            command.Options.Add(option);
        }

        return command;
    }

    /// <summary>The request's body.</summary>
    public JsonObject Read(ParseResult parsed)
    {
        var body = new JsonObject();
        foreach (var (option, field, read) in options)
        {
            if (parsed.GetResult(option) is not { Implicit: false })
            {
                continue;
            }

            if (field is [var outer, var inner])
            {
                body[outer] ??= new JsonObject();
                body[outer]![inner] = read(parsed);
            }
            else
            {
                body[field[0]] = read(parsed);
            }
        }

        return body;
    }

    private void Text(string name, string description, string helpName, params string[] field)
    {
        var option = new Option<string>(name) { Description = description, HelpName = helpName };
        options.Add((option, field, parsed => parsed.GetValue(option)));
    }

    private void Seconds(string name, string description, params string[] field)
    {
        var option = new Option<int>(name) { Description = description, HelpName = "SECONDS" };
        options.Add((option, field, parsed => parsed.GetValue(option)));
    }

    private void Flag(string name, string description, bool meaning, string field)
    {
        var option = new Option<bool>(name) { Description = description };
        options.Add((option, [field], parsed => parsed.GetValue(option) ? meaning : !meaning));
    }

    private static JsonArray List(string[]? values) => [.. (values ?? []).Select(value => (JsonNode)value)];
}
