using Spectre.Console;
using Spectre.Console.Rendering;

namespace NannyOrleans.Ctl.Campaigns;

/// <summary>A plan, as a person reads it: what would happen to each node, and every reason why not.</summary>
internal static class PlanView
{
    public static IRenderable Of(Plan plan)
    {
        var rows = new List<IRenderable> { new Text(plan.Votes is { } votes ? $"Votes: {Known(votes.Online)} online of {votes.Expected}, {votes.Quorum} needed" : "Votes: not known") };
        foreach (var node in plan.Nodes)
        {
            rows.Add(new Text(
                $"{Safe.Line(node.Node)}: {Known(node.PendingUpdates)} updates, reboot {(node.RebootRequired is null ? "not known" : node.RebootRequired.Value ? "needed" : "not needed so far")}, "
                + $"{Known(node.VotesWithout)} votes without it{(node.CanBeRebooted ? "" : ", cannot be rebooted")}",
                new Style(decoration: Decoration.Bold)));
            rows.AddRange(node.Gates.Where(gate => gate.Verdict is not "pass").Select(gate => new Text($"  {Safe.Line(gate.Name)}: {Safe.Line(gate.Reason)}", new Style(Color.Yellow))));
            rows.AddRange(node.PatchedFirst is null
                ? [new Text("  which of its guests would be patched first is not known", new Style(Color.Yellow))]
                : node.PatchedFirst.Select(guest => new Text(
                    $"  {guest.Vmid} {Safe.Line(guest.Name)}: {(guest.Reason is null ? "patched first" : $"not patched. {Safe.Line(guest.Reason)}")}", new Style(guest.Reason is null ? null : Color.Yellow))));
            rows.AddRange(node.Guests is null
                ? [new Text("  its guests are not known", new Style(Color.Yellow))]
                : node.Guests.Select(move => new Text($"  {move.Vmid} {Safe.Line(move.Name)}: {Safe.Line(move.Way)}{(move.Target is null ? "" : $" to {Safe.Line(move.Target)}")}. {Safe.Line(move.Reason)}")));
            rows.AddRange((node.Targets ?? []).Select(target => new Text(target is { FreeBytes: { } free, FreeAfterBytes: { } after, ReserveBytes: { } reserve }
                ? $"  memory free on {Safe.Line(target.Node)}: {Gibibytes(free)}, then {Gibibytes(after)} GiB; {Gibibytes(reserve)} stay free"
                : $"  memory free on {Safe.Line(target.Node)}: unknown, so no guest goes there")));
        }

        if (plan.Refusal is { } refusal)
        {
            rows.Add(new Text($"It could not be started: {Safe.Line(refusal.Message)}", new Style(Color.Red)));
        }

        return new Rows(rows);
    }

    private static string Gibibytes(long bytes) => (bytes / (double)(1L << 30)).ToString("F1", System.Globalization.CultureInfo.InvariantCulture);

    private static string Known(int? number) => number?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "unknown";
}
