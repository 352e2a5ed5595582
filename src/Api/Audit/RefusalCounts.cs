using NannyOrleans.Grains.History;

namespace NannyOrleans.Api.Audit;

/// <summary>A refusal without its time: the same one is counted, not written again.</summary>
internal sealed record Refused(string Actor, string Action, string Target, string? Address, string Result);

/// <summary>
/// How often what was refused within a minute. The first of each is worth an entry of its own, the others a number: ten thousand failed sign-ins must
/// not fill the disk. The kinds are bounded too, since names and addresses are for a stranger to choose.
/// </summary>
internal sealed class RefusalCounts
{
    /// <summary>The most kinds of a minute that are told apart; what comes beyond is counted by its action and result alone.</summary>
    public const int MaxKinds = 50;

    /// <summary>The target of what is not told apart any more.</summary>
    public const string Others = "others";

    private readonly Lock turn = new();
    private Dictionary<Refused, int> counts = [];
    private int kinds;

    /// <summary>Counts one.</summary>
    /// <returns>Whether it is the first of its kind, and told apart.</returns>
    public bool IsFirst(Refused refused)
    {
        lock (turn)
        {
            if (counts.TryGetValue(refused, out var before))
            {
                counts[refused] = before + 1;
                return false;
            }

            if (kinds < MaxKinds)
            {
                kinds++;
                counts[refused] = 0; // that one has its own entry
                return true;
            }

            refused = refused with { Actor = AuditEntry.Nobody, Target = Others, Address = null };
            counts[refused] = counts.GetValueOrDefault(refused) + 1;
            return false;
        }
    }

    /// <summary>Ends the minute.</summary>
    /// <returns>What was counted in it beside the first of each kind.</returns>
    public IReadOnlyList<(Refused Refused, int More)> Take()
    {
        lock (turn)
        {
            var taken = counts.Where(one => one.Value > 0).Select(one => (one.Key, one.Value)).ToArray();
            (counts, kinds) = ([], 0);
            return taken;
        }
    }
}
