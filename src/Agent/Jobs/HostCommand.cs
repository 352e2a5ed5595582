using System.Globalization;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Jobs;

/// <summary>A job that is one command: what it is to bring about can be seen, before the command and after it.</summary>
internal interface IHostCommand
{
    /// <summary>The command's name in a person's words, such as <c>pct migrate</c>.</summary>
    string Name { get; }

    /// <summary>What its exit code says of the world.</summary>
    ExitCodeMeaning Meaning { get; }

    /// <summary>Whether it is ended when the job's time is over. What works on guests is not: half a migration is worse than a late one.</summary>
    bool IsEndedWhenLate { get; }

    /// <summary>Looks whether all is as asked already, and what to run when it is not.</summary>
    Task<CommandLook> Look(CancellationToken cancellationToken);
}

/// <summary>What an exit code says.</summary>
internal enum ExitCodeMeaning
{
    /// <summary>0 is done. With any other code the world may be as asked all the same, and then it is done, too.</summary>
    Done,

    /// <summary>Nothing by itself: what counts is how the world is.</summary>
    Nothing,

    /// <summary>0 and a world that is as asked are done; any other code is a failure, wherever it has got to.</summary>
    Required,
}

/// <summary>One look at the world.</summary>
/// <param name="AsAsked">Whether it is as asked; null when that cannot be told.</param>
/// <param name="Problem">Why the command may not be run, or why it cannot be told how the world is; in a person's words.</param>
/// <param name="Command">What to run; null with a problem, and when it is as asked.</param>
internal sealed record CommandLook(bool? AsAsked, string? Problem, IReadOnlyList<string>? Command)
{
    /// <summary>It is as asked.</summary>
    public static CommandLook Done { get; } = new(true, null, null);

    /// <summary>It is not as asked, and this may not be changed.</summary>
    public static CommandLook Refused(string why) => new(false, why, null);

    /// <summary>Nobody can tell.</summary>
    public static CommandLook Unknown(string why) => new(null, why, null);

    /// <summary>It is not as asked, and this changes it.</summary>
    public static CommandLook Run(params IReadOnlyList<string> command) => new(false, null, command);
}

/// <summary>How a command that was begun is seen to have ended.</summary>
internal static class HostCommandVerdict
{
    /// <summary>The end; null while there is none.</summary>
    /// <param name="command">The command.</param>
    /// <param name="seen">How it is.</param>
    /// <param name="world">How the world is; null while the command runs.</param>
    public static SeenEnd? Of(IHostCommand command, CommandSeen seen, CommandLook? world)
    {
        if (seen.Runs || world is null)
        {
            return seen.IsLate ? new(JobOutcome.Failed, $"timeout: {command.Name} still runs") : null;
        }

        var still = world.Problem ?? "what was asked for has not come about";
        switch (seen)
        {
            case { ExitCode: 0 } when world.AsAsked is true || command.Meaning is ExitCodeMeaning.Done:
                return new(JobOutcome.Succeeded, null);
            case { ExitCode: 0 }:
                return seen.IsLate ? new(JobOutcome.Failed, $"timeout: {command.Name} has ended well, but {still}") : null;
            case { ExitCode: { } code }:
                var words = $"{command.Name}: exit code {code.ToString(CultureInfo.InvariantCulture)}: {LastWords(seen.Error)}";
                return (world.AsAsked, command.Meaning) switch
                {
                    (true, ExitCodeMeaning.Required) => new(JobOutcome.Failed, $"{words}; what was asked for has come about all the same"),
                    (true, _) => new(JobOutcome.Succeeded, words),
                    _ => new(JobOutcome.Failed, IsTimeout(command, seen) ? $"timeout: {words}" : words),
                };
            case var _ when world.AsAsked is true:
                return new(JobOutcome.Succeeded, seen.AnotherBoot ? "the host itself was restarted meanwhile" : null);
            case { AnotherBoot: true } when world.AsAsked is false:
                return new(JobOutcome.Failed, $"the host itself was restarted while {command.Name} ran, and {still}");
            default:
                // Its worker may go on without it.
                return seen.IsLate ? new(JobOutcome.Failed, $"timeout: {command.Name} was ended from outside, and {still}") : null;
        }
    }

    // What pct and qm say of a guest that did not stop in the time it was given.
    private static bool IsTimeout(IHostCommand command, CommandSeen seen) => (seen.IsLate && command.IsEndedWhenLate)
        || seen.Error.Contains("container did not stop", StringComparison.Ordinal) || seen.Error.Contains("powerdown failed - got timeout", StringComparison.Ordinal);

    private static string LastWords(string error)
    {
        var lines = error.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return lines is [] ? "it said nothing" : PlainText.Of(string.Join("; ", lines.TakeLast(3)));
    }
}
