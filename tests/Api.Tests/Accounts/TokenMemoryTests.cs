using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using NannyOrleans.Api.Accounts;

namespace NannyOrleans.Api.Tests.Accounts;

/// <summary>What is remembered of a token is never more than what was checked. (That a bad one opens nothing, <c>AccessTests</c> say.)</summary>
public sealed class TokenMemoryTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly TokenMemory.Known known = new();

    [Theory]
    [InlineData("Bearer good", -1, true)]
    [InlineData("Bearer good", 0, false)] // it is not good any more from its end on
    [InlineData("Bearer good", 1, false)]
    [InlineData("bearer good", -1, false)] // another header was not checked
    [InlineData("Bearer goo", -1, false)]
    [InlineData("Bearer good ", -1, false)]
    public void A_token_is_known_by_its_whole_header_until_it_expires(string header, int secondsFromItsEnd, bool isKnown)
    {
        known.Add("Bearer good", Ticket("admin", Noon));
        Assert.Equal(isKnown ? "admin" : null, known.Find(header, Noon.AddSeconds(secondsFromItsEnd))?.Principal.Identity?.Name);
    }

    [Fact]
    public void One_that_has_expired_is_forgotten()
    {
        known.Add("Bearer good", Ticket("admin", Noon));
        Assert.Null(known.Find("Bearer good", Noon));
        Assert.Null(known.Find("Bearer good", Noon.AddHours(-1))); // the clock was set back
    }

    [Fact]
    public void One_without_an_end_is_checked_each_time()
    {
        known.Add("Bearer endless", Ticket("admin", null));
        Assert.Null(known.Find("Bearer endless", Noon));
    }

    [Fact]
    public void However_many_there_are_each_stands_for_its_own_and_they_do_not_grow_without_end()
    {
        for (var number = 0; number < 10_000; number++)
        {
            known.Add($"Bearer {number}", Ticket($"{number}", Noon));
            Assert.Equal($"{number}", known.Find($"Bearer {number}", Noon.AddSeconds(-1))?.Principal.Identity?.Name);
        }

        Assert.InRange(Enumerable.Range(0, 10_000).Count(number => known.Find($"Bearer {number}", Noon.AddSeconds(-1)) is not null), 1, 4096);
    }

    private static AuthenticationTicket Ticket(string name, DateTimeOffset? expires) =>
        new(new ClaimsPrincipal(new ClaimsIdentity([new(ClaimTypes.Name, name)], "test")), new() { ExpiresUtc = expires }, TokenMemory.SchemeName);
}
