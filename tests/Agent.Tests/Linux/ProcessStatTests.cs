using NannyOrleans.Agent.Linux;

namespace NannyOrleans.Agent.Tests.Linux;

public sealed class ProcessStatTests
{
    [Theory]
    [InlineData("42 (sh) S 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 98765 2 3\n", 42, 'S', 98765)]
    [InlineData("7 (a) b (c)) Z 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 5 2 3", 7, 'Z', 5)] // a name with blanks and parentheses
    public void Reads_a_line(string line, int pid, char state, long start)
    {
        Assert.True(ProcessStat.TryParse(line, out var stat));
        Assert.Equal(new ProcessStat(pid, state, start), stat);
    }

    [Theory]
    [InlineData("")]
    [InlineData("42 (sh) S 1 2")]
    [InlineData("x (sh) S 1 42 42 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 98765")]
    public void Half_a_line_is_none(string line) => Assert.False(ProcessStat.TryParse(line, out _));

    [Fact]
    public void Knows_this_process_from_one_that_had_its_pid_before()
    {
        Assert.True(ProcessStat.TryParse(File.ReadAllText("/proc/self/stat"), out var me));
        Assert.True(me.IsAlive());
        Assert.False((me with { StartTime = me.StartTime - 1 }).IsAlive());
    }

    [Fact]
    public void A_process_is_as_old_as_the_kernel_says()
    {
        Assert.True(ProcessStat.TryParse(File.ReadAllText("/proc/self/stat"), out var self));
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        var age = DateTime.Now - process.StartTime;
        Assert.InRange(self.Age()!.Value, age - TimeSpan.FromSeconds(5), age + TimeSpan.FromSeconds(5));
    }
}
