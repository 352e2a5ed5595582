using CsCheck;
using NannyOrleans.Agent.Connection;

namespace NannyOrleans.Agent.Tests.Connection;

public sealed class ServerChoiceTests
{
    private static readonly Uri[] Three = [new("https://a.example.com"), new("https://b.example.com"), new("https://c.example.com")];

    [Fact]
    public void A_fleet_spreads_evenly_and_so_do_those_that_one_server_sends_on()
    {
        var orders = Fleet.Select(agent => ServerChoice.Order(agent, Three)).ToArray();
        foreach (var first in Three)
        {
            var there = orders.Where(order => order[0] == first).ToArray();
            Assert.InRange(there.Length, 10_000 / 3 * 0.95, 10_000 / 3 * 1.05);
            foreach (var next in Three.Where(other => other != first))
            {
                Assert.InRange(there.Count(order => order[1] == next), there.Length / 2 * 0.94, there.Length / 2 * 1.06);
            }
        }
    }

    [Fact]
    public void An_agent_has_one_order_however_the_list_is_written_and_another_server_moves_only_those_that_it_gets()
    {
        Uri d = new("https://d.example.com");
        foreach (var agent in Fleet.Take(1000))
        {
            var order = ServerChoice.Order(agent, Three);
            Assert.Equal(order, ServerChoice.Order(agent, [Three[2], Three[0], Three[1]]));
            Assert.Equal(order, ServerChoice.Order(agent, [d, .. Three]).Where(server => server != d));
        }
    }

    [Theory]
    [InlineData(1, false, null, 1, 0, 1)] // one server: as ever
    [InlineData(1, false, 20, 1, 0, 21)] // it says when to come back, and not all in that moment
    [InlineData(1, false, 86400, 1, 0, 61)] // for so long nobody is lost
    [InlineData(1, true, null, 1, 0, 4)] // many lost theirs with it
    [InlineData(2, false, null, 1, 1, 1)]
    [InlineData(2, false, 20, 1, 1, 1)] // the other one asked for nothing
    [InlineData(2, true, null, 1, 1, 4)]
    [InlineData(3, false, null, 4, 1, 8)] // all failed, and the first again
    [InlineData(3, false, null, 30, 0, 30)]
    public void The_next_server_and_the_longest_wait(int servers, bool lasted, int? asked, int failures, int next, int seconds)
    {
        var (choice, now, wait) = (ServerChoice.Begin(servers), TimeSpan.Zero, TimeSpan.Zero);
        for (var failure = 0; failure < failures; failure++)
        {
            (choice, wait) = choice.Ended(lasted, asked is { } time ? TimeSpan.FromSeconds(time) : null, now, 1);
            now += wait;
        }

        Assert.Equal((next, TimeSpan.FromSeconds(seconds)), (choice.Current, wait));
    }

    [Fact] // the property that keeps one dead server from holding anybody up
    public void Every_server_is_tried_within_one_round() => Gen.Select(Gen.Int[1, 7], Attempt.Array[1, 60]).Sample((servers, attempts) =>
    {
        var (choice, now, tried) = (ServerChoice.Begin(servers), TimeSpan.Zero, new List<int>());
        foreach (var (took, chance, lasted) in attempts)
        {
            choice = choice.At(now);
            tried.Add(choice.Current);
            now += took;
            (choice, var wait) = choice.Ended(lasted, null, now, chance);
            now += wait;
        }

        for (var from = 0; from + servers <= tried.Count; from++)
        {
            Assert.Equal(servers, tried.Skip(from).Take(servers).Distinct().Count());
        }
    });

    [Fact]
    public void Waits_are_never_short_and_never_long_whatever_servers_ask_for() =>
        Gen.Select(Gen.Int[1, 7], Gen.Select(Attempt, Gen.Int[-10, 100_000]).Array[1, 60]).Sample((servers, attempts) =>
        {
            var (choice, now) = (ServerChoice.Begin(servers), TimeSpan.Zero);
            foreach (var ((took, chance, lasted), asked) in attempts)
            {
                now += took;
                (choice, var wait) = choice.Ended(lasted, asked < 0 ? null : TimeSpan.FromSeconds(asked), now, chance);
                Assert.InRange(wait, Backoff.Least, ServerChoice.LongestAsked + Backoff.Most);
                now += wait;
            }
        });

    [Fact]
    public void A_server_that_asks_to_be_left_alone_is_left_alone_for_as_long() =>
        Gen.Select(Gen.Int[2, 5], Gen.Int[1, 60], Attempt.Array[1, 60]).Sample((servers, asked, attempts) =>
        {
            var until = TimeSpan.FromSeconds(asked);
            var (choice, now) = (ServerChoice.Begin(servers).Rested(1, until, TimeSpan.Zero), TimeSpan.Zero);
            foreach (var (took, chance, lasted) in attempts)
            {
                choice = choice.At(now);
                Assert.True(choice.Current != 1 || now >= until);
                Assert.True(now >= until == choice.ToAsk(now).Contains(1));
                now += took;
                (choice, var wait) = choice.Ended(lasted, null, now, chance);
                now += wait;
            }
        });

    [Fact]
    public void An_outage_of_a_minute_is_neither_a_storm_nor_slept_through() => Gen.Select(Gen.Int[1, 4], Gen.Double[0, 1].Array[400]).Sample((servers, chances) =>
    {
        var (choice, now, attempts) = (ServerChoice.Begin(servers), TimeSpan.Zero, 0);
        for (; now < TimeSpan.FromSeconds(60); attempts++)
        {
            (choice, var wait) = choice.Ended(lasted: attempts is 0, null, now, chances[attempts]);
            now += wait;
        }

        Assert.InRange(attempts, 3, 300); // 300: nothing but the shortest wait
        Assert.True(now < TimeSpan.FromSeconds(60) + Backoff.Most);
    });

    [Fact]
    public void A_question_goes_to_the_current_server_first_and_to_those_that_failed_last()
    {
        var now = TimeSpan.FromSeconds(1);
        var (choice, _) = ServerChoice.Begin(4).Ended(lasted: true, null, now, 0);
        Assert.Equal([1, 2, 3, 0], choice.ToAsk(now));
        choice = choice.Rested(1, null, now).Rested(2, TimeSpan.FromSeconds(30), now);
        Assert.Equal([3, 1, 0], choice.ToAsk(now));
        Assert.Equal((1, 3), (choice.Current, choice.At(now).Current)); // a connection that stands stays where it is
        Assert.Equal([1, 2, 3, 0], choice.ToAsk(now + TimeSpan.FromSeconds(31)));
    }

    private static readonly string[] Fleet = [.. Enumerable.Range(0, 10_000).Select(number => $"01JDMT2Q4N{number:D16}")];

    // A refusal at once or a limit that passes; and connections that last a minute, or fall at once.
    private static readonly Gen<(TimeSpan Took, double Chance, bool Lasted)> Attempt =
        Gen.Select(Gen.Int[0, 15], Gen.Double[0, 1], Gen.Int[0, 9], (seconds, chance, ten) => (TimeSpan.FromSeconds(ten is 0 ? 60 : seconds), chance, ten is 0));
}
