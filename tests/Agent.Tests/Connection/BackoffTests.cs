using CsCheck;
using NannyOrleans.Agent.Connection;

namespace NannyOrleans.Agent.Tests.Connection;

public sealed class BackoffTests
{
    [Fact]
    public void Waits_are_never_short_and_never_long() => Gen.Select(Gen.Int[1, int.MaxValue], Gen.Double[0, 1]).Sample((failures, chance) =>
        Backoff.After(failures, chance) is var wait && wait >= Backoff.Least && wait <= Backoff.Most);

    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 2)]
    [InlineData(4, 8)]
    [InlineData(6, 30)]
    [InlineData(600, 30)]
    public void The_ceiling_doubles_up_to_thirty_seconds(int failures, int seconds) => Assert.Equal(TimeSpan.FromSeconds(seconds), Backoff.After(failures, 1));
}
