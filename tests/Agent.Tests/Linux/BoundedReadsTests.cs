using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Tests.Support;

namespace NannyOrleans.Agent.Tests.Linux;

public sealed class BoundedReadsTests
{
    [Fact]
    public async Task A_read_that_hangs_does_not_hang_the_caller_and_no_second_one_follows_it()
    {
        using var hang = new ManualResetEventSlim();
        var reads = new BoundedReads(TimeSpan.FromMilliseconds(50));
        var first = await Assert.ThrowsAsync<UnreadableException>(() => reads.Read("/etc/pve", () => { hang.Wait(); return 1; }, default)).Within("the limit of the read");
        Assert.Equal("/etc/pve did not answer within 0.1 s; pmxcfs hangs", first.Message);

        var sent = false;
        var second = await Assert.ThrowsAsync<UnreadableException>(() => reads.Read("x", () => sent = true, default));
        Assert.Equal("/etc/pve still does not answer; pmxcfs hangs", second.Message);
        Assert.False(sent);

        hang.Set();
        var third = 0;
        while (third is 0)
        {
            try
            {
                third = await reads.Read("x", () => 3, default);
            }
            catch (UnreadableException)
            {
                Thread.Yield(); // the first one is just coming back
            }
        }

        Assert.Equal(3, third);
    }

    [Fact]
    public async Task A_reads_own_failure_is_the_callers() =>
        await Assert.ThrowsAsync<DirectoryNotFoundException>(() => new BoundedReads(Eventually.Limit).Read("x", () => File.ReadAllText("/nowhere/at-all"), default));
}
