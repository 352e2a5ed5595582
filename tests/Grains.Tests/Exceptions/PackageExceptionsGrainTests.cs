using NannyOrleans.Domain.Exceptions;
using NannyOrleans.Grains.Exceptions;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Grains.Tests.Exceptions;

public sealed class PackageExceptionsGrainTests(SiloCluster silo)
{
    private static int used;

    private readonly ClusterId cluster = Some.Cluster();

    private IPackageExceptionsGrain Exceptions => silo.Grains.GetGrain<IPackageExceptionsGrain>(0);

    private ExceptionTarget Guest => new(cluster, new(100), null);

    [Fact]
    public async Task What_was_answered_is_there_after_a_restart()
    {
        var one = New("mc");
        Assert.Equal(one.Id, (await Exceptions.Add(one)).Value!.Id);
        await silo.ForgetActivations();
        Assert.Equal([one.Id], (await Exceptions.For(Guest)).Select(held => held.Id));
        Assert.Equal(["vim"], (await Exceptions.Change(one.Id, new(["vim"], null, null))).Value!.PackageNames);
        await silo.ForgetActivations();
        Assert.Equal(["vim"], Assert.Single(await Exceptions.For(Guest)).PackageNames);
        Assert.Equal(one.Id, (await Exceptions.Remove(one.Id))!.Id);
        Assert.Null(await Exceptions.Remove(one.Id));
        await silo.ForgetActivations();
        Assert.Empty(await Exceptions.For(Guest));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task After_a_failed_write_what_is_stored_counts(bool landed)
    {
        var one = New("mc");
        silo.Storage.FailNextWrite("exceptions:package-exceptions", landed);
        await Assert.ThrowsAnyAsync<Exception>(() => Exceptions.Add(one));
        Assert.Equal(landed ? 1 : 0, (await Exceptions.For(Guest)).Count);
        Assert.False((await Exceptions.Add(one)).IsRefused);
        Assert.Single(await Exceptions.For(Guest));
    }

    [Fact]
    public async Task An_expired_one_does_not_hold_and_is_shown_for_30_days()
    {
        var one = New("mc") with { ExpiresAt = silo.Clock.GetUtcNow().AddMinutes(1) };
        await Exceptions.Add(one);
        Assert.Single(await Exceptions.For(Guest));
        try
        {
            silo.Clock.Shift += TimeSpan.FromMinutes(2);
            Assert.Empty(await Exceptions.For(Guest));
            Assert.Contains(await Exceptions.All(), known => known.Id == one.Id);
            silo.Clock.Shift += TimeSpan.FromDays(31);
            Assert.DoesNotContain(await Exceptions.All(), known => known.Id == one.Id);
            Assert.Equal(PackageExceptions.Unknown, (await Exceptions.Change(one.Id, new(["vim"], null, null))).Refusal?.Code);
        }
        finally
        {
            silo.Clock.Shift = TimeSpan.Zero;
        }
    }

    private ExceptionRecord New(string name) => new()
    {
        Id = ExceptionId.Parse($"01M83HW1FS84TGPXTCYJ{Interlocked.Increment(ref used):D6}"),
        Target = Guest,
        AgentId = $"{cluster}-lxc-100",
        PackageNames = [name],
        CreatedBy = "admin",
        CreatedAt = silo.Clock.GetUtcNow(),
    };
}
