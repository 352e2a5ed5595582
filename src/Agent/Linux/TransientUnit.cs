namespace NannyOrleans.Agent.Linux;

/// <summary>
/// A program in a unit of its own, made by <c>systemd-run</c>: what the agent's own unit is kept from, and what ends it, does not reach the
/// program, nor a container's package manager below it.
/// </summary>
/// <param name="Name">The unit's; it can be there once only.</param>
/// <param name="Description">What <c>systemctl status</c> shows of it.</param>
internal sealed record TransientUnit(string Name, string Description)
{
    /// <summary>Whether systemd runs the machine, as <c>sd_booted(3)</c> tells it.</summary>
    public static bool Possible(Host host) => Directory.Exists(host.At("/run/systemd/system"));

    /// <summary>The arguments of <c>systemd-run</c> for a program that goes on by itself. Known to systemd 247 and later.</summary>
    /// <param name="host">Gives the program's environment.</param>
    /// <param name="program">The program and its arguments, as it is to have them.</param>
    public IReadOnlyList<string> Detached(Host host, IReadOnlyList<string> program) =>
    [
        .. Start,

        // Told to stop, which happens when the machine is shut down, the runner goes on: a package manager has this long to finish, with the network up.
        "--property=TimeoutStopSec=300",
        "--property=After=network.target",

        // What the kernel killed for want of memory has failed; the rest of the job sees to what that means.
        "--property=OOMPolicy=continue",
        .. Command(host, program),
    ];

    /// <summary>The same for a program whose end and output are waited for. Killing <c>systemd-run</c> does not end it, only its time does.</summary>
    public IReadOnlyList<string> Awaited(Host host, TimeSpan limit, IReadOnlyList<string> program) =>
    [
        .. Start,
        "--pipe",
        "--wait",
        FormattableString.Invariant($"--property=RuntimeMaxSec={(long)limit.TotalSeconds}"),
        .. Command(host, program),
    ];

    // Collected even when it failed: a name that stays taken helps nobody, a job's directory says all. Of type exec: a program that is not
    // there is no start. Only the program itself is ended with the unit: a daemon that a package started by itself stays, as ever.
    private IReadOnlyList<string> Start =>
    [
        "--quiet", "--collect", "--no-ask-password", "--service-type=exec", "--slice=nannyagent.slice", $"--unit={Name}", $"--description={Description}",
        "--property=KillMode=process", "--property=TasksMax=infinity", "--property=IgnoreSIGPIPE=no",
    ];

    // systemd gives its programs variables of its own, which pct would pass on into containers. And it takes $ in arguments for variables:
    // it has done so always, but can be told not to only since 254. Doubled it is a dollar in every version.
    private static IEnumerable<string> Command(Host host, IReadOnlyList<string> program) =>
    [
        "--",
        .. ((IEnumerable<string>)["env", "-i", .. host.Environment.Select(variable => $"{variable.Key}={variable.Value}"), .. program])
            .Select(word => word.Replace("$", "$$", StringComparison.Ordinal)),
    ];
}
