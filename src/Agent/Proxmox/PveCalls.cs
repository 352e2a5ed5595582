using NannyOrleans.Agent.Linux;

namespace NannyOrleans.Agent.Proxmox;

/// <summary>
/// Proxmox VE's own commands, each of which costs most of a CPU second: at most <see cref="MostInRound"/> in one round, however many guests there
/// are. What does not fit waits for a later round.
/// </summary>
internal sealed class PveCalls(Host host)
{
    private readonly Programs programs = new(host);
    private int left = MostInRound;

    /// <summary>The most commands of one round.</summary>
    public const int MostInRound = 3;

    /// <summary>A new round begins.</summary>
    public void BeginRound() => left = MostInRound;

    /// <summary>Runs a command to its end; null when this round has had its commands.</summary>
    public async Task<ProgramEnd?> Run(string name, string[] arguments, TimeSpan limit, int outputLimit, CancellationToken cancellationToken)
    {
        if (left is 0)
        {
            return null;
        }

        left--;
        return await programs.Run(name, arguments, limit, outputLimit, cancellationToken);
    }
}
