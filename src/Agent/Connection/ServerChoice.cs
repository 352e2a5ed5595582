using System.Security.Cryptography;
using System.Text;

namespace NannyOrleans.Agent.Connection;

/// <summary>
/// Which of several servers an agent turns to next, and after what wait. Servers are numbers here, places in the agent's own
/// <see cref="Order"/>; times are what has passed on some clock that is never set back.
/// </summary>
internal sealed class ServerChoice
{
    /// <summary>How long a server that failed is passed over, if another is not: long enough for it to restart.</summary>
    public static readonly TimeSpan PassedOver = TimeSpan.FromSeconds(15);

    /// <summary>The longest that a server may ask to be left alone: one wrong answer must not lose us a host.</summary>
    public static readonly TimeSpan LongestAsked = TimeSpan.FromSeconds(60);

    private readonly Rest[] rests;

    private ServerChoice(int current, int failures, Rest[] rests) => (Current, Failures, this.rests) = (current, failures, rests);

    /// <summary>The server to turn to.</summary>
    public int Current { get; }

    /// <summary>How many attempts in a row have come to nothing.</summary>
    public int Failures { get; }

    /// <summary>
    /// The servers in the order in which one agent turns to them. Each agent has an order of its own, and the same one each time: a fleet
    /// spreads evenly, and so do those that one server's end sends on. Another server in the list moves only those that it gets.
    /// </summary>
    public static Uri[] Order(string agent, IReadOnlyList<Uri> servers)
    {
        Uri[] order = [.. servers];
        Array.Sort(order, (one, other) => string.CompareOrdinal(Weight(agent, one), Weight(agent, other)));
        return order;
    }

    /// <summary>Before the first attempt.</summary>
    public static ServerChoice Begin(int servers) => new(0, 0, new Rest[servers]);

    /// <summary>A server did not answer, or not usefully. It says nothing of a connection that stands: that one goes on.</summary>
    /// <param name="server">Which.</param>
    /// <param name="asked">For how long it asked to be left alone; null when it did not say.</param>
    /// <param name="now">The time.</param>
    public ServerChoice Rested(int server, TimeSpan? asked, TimeSpan now)
    {
        var left = (Rest[])rests.Clone();
        var said = left[server].MayBeAsked;
        left[server] = asked switch
        {
            { } time when now + Shorter(time, LongestAsked) is var until => new(until, until),
            _ when said > now + PassedOver => new(said, said),
            _ => new(now + PassedOver, said),
        };
        return new(Current, Failures, left);
    }

    /// <summary>The current server's connection ended, or there was none.</summary>
    /// <param name="lasted">Whether it had stood for a while: then many may have lost theirs in this moment, and it was no failed attempt.</param>
    /// <param name="asked">As for <see cref="Rested"/>.</param>
    /// <param name="now">The time.</param>
    /// <param name="chance">0 up to 1.</param>
    /// <returns>The next choice, and how long to wait before it is tried.</returns>
    public (ServerChoice Choice, TimeSpan Wait) Ended(bool lasted, TimeSpan? asked, TimeSpan now, double chance)
    {
        var left = Rested(Current, asked, now).rests;
        var next = First(left, (Current + 1) % left.Length, now);
        var failures = lasted ? 1 : Failures + 1;
        var wait = Backoff.After(lasted ? SpreadOfLost : failures, chance);
        return (new(next, failures, left), left[next].MayBeAsked > now ? left[next].MayBeAsked - now + wait : wait);
    }

    /// <summary>The choice when a connection is about to be made: the current server, unless it is passed over and another is not.</summary>
    public ServerChoice At(TimeSpan now) => new(First(rests, Current, now), Failures, rests);

    /// <summary>The servers to ask one after the other for something that any of them can answer, the current one first; none that asked to be left alone.</summary>
    public IReadOnlyList<int> ToAsk(TimeSpan now)
    {
        // Loops, where LINQ over numbers and structs would cost the agent's binary tens of kilobytes.
        var order = new List<int>(rests.Length);
        foreach (var rested in (ReadOnlySpan<bool>)[true, false])
        {
            for (var step = 0; step < rests.Length; step++)
            {
                var server = (Current + step) % rests.Length;
                if (rests[server].MayBeAsked <= now && rests[server].Until <= now == rested)
                {
                    order.Add(server);
                }
            }
        }

        return order;
    }

    // In turn from there the first that rests no more, or else the one whose rest ends first: the one that failed longest ago.
    private static int First(Rest[] rests, int from, TimeSpan now)
    {
        var best = from;
        for (var step = 1; step < rests.Length && rests[best].Until > now; step++)
        {
            var server = (from + step) % rests.Length;
            best = rests[server].Until < rests[best].Until ? server : best;
        }

        return best;
    }

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;

    private static string Weight(string agent, Uri server) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{agent} {server.AbsoluteUri}")));

    private const int SpreadOfLost = 3; // up to 4 s, as after three failures: a server's agents do not all come to the others within one

    /// <summary>Until when a server is passed over if there are others, and until when it has asked not to be asked at all.</summary>
    private readonly struct Rest(TimeSpan until, TimeSpan mayBeAsked)
    {
        public TimeSpan Until => until;

        public TimeSpan MayBeAsked => mayBeAsked;
    }
}
