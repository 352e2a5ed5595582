using System.Globalization;
using NannyOrleans.Agent.Linux;

namespace NannyOrleans.Agent.Diagnoses;

/// <summary>Looks into a system: runs <see cref="InsideScript"/> there, then looks up the host of its first repository.</summary>
/// <param name="programs">Runs programs.</param>
/// <param name="entry">The program and arguments that lead into it; none for this machine itself.</param>
/// <param name="root">What goes before each of its paths.</param>
internal sealed class SystemLook(Programs programs, IReadOnlyList<string> entry, string root)
{
    /// <summary>Looks, in bounded time.</summary>
    public async Task<LookInside> Look(CancellationToken cancellationToken)
    {
        // What pct exec started goes on when pct is killed: the end must come from in there.
        var end = await Run(["timeout", "-k", "5", "40", "sh", "-c", InsideScript.Text, "sh", root], LookLimit, cancellationToken);
        if (end.ExitCode is null)
        {
            return new() { Problem = "it did not answer in time, or could not be started" };
        }

        var seen = InsideScript.Parse(end.Output);
        var problem = end.ExitCode is 124 or 137 ? "it took longer than 40 s" : end.Output.Length is 0 ? Unrun(end) : null; // else the script's own code says nothing
        var name = PackageSources.HostOf((seen.Sources ?? []).Where(file => file.Text is not null).SelectMany(file => PackageSources.EnabledIn(file.Path, file.Text!)));
        if (name is null)
        {
            return new() { Seen = seen, Problem = problem };
        }

        var lookup = await Run(["timeout", "-k", "5", "20", "sh", "-c", InsideScript.LookUp, "sh", name], LookUpLimit, cancellationToken);
        return new() { Seen = seen, Problem = problem, LookedUp = name, Resolves = lookup.ExitCode switch { 0 => true, 2 or 124 => false, _ => null } };
    }

    // Without the command, of which the script would be a part.
    private static string Unrun(ProgramEnd end) =>
        string.Create(CultureInfo.InvariantCulture, $"the script printed nothing and ended with code {end.ExitCode}: {PlainText.Of(end.Error.Trim(), 200)}");

    private Task<ProgramEnd> Run(IReadOnlyList<string> command, TimeSpan limit, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> all = [.. entry, .. command];
        return programs.Run(all[0], [.. all.Skip(1)], limit, OutputLimit, cancellationToken);
    }

    private const int OutputLimit = 1024 * 1024;
    private static readonly TimeSpan LookLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LookUpLimit = TimeSpan.FromSeconds(40);
}
