using System.Diagnostics;
using System.Globalization;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Metrics;
using NannyOrleans.Agent.Tests.Support;

namespace NannyOrleans.Agent.Tests.Metrics;

public sealed class ContainerInitTests : IDisposable
{
    private readonly LabHost host = new();
    private readonly FileBytes file = new();
    private readonly ContainerInit init = new();

    private string Group => Path.Combine(host.Directory, "lxc/100");

    public void Dispose() => host.Dispose();

    [Fact]
    public void It_is_found_below_the_containers_group_and_a_restart_is_another_one()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "A pid namespace needs root.");
        using (var first = new Namespace())
        {
            Place(first.Init);
            Assert.True(init.Find(Group, file));
            Assert.Equal($"/proc/{first.Init}/root", init.Root);
            Assert.True(init.Find(Group, file));
            Assert.True(init.IsSame(file));
        }

        Assert.False(init.IsSame(file));
        using var second = new Namespace();
        Place(second.Init);
        Assert.False(init.Find(Group, file));
        Assert.Equal($"/proc/{second.Init}/root", init.Root);
        Assert.True(init.Find(Group, file));
        init.Forget();
        Assert.Null(init.Root);
    }

    [Fact]
    public void A_group_without_it_is_not_looked_through_each_time()
    {
        Place(Environment.ProcessId); // number 1 of nothing
        Assert.True(init.Find(Group, file));
        Assert.Null(init.Root);
        using var late = Environment.IsPrivilegedProcess ? new Namespace() : null;
        Place(late?.Init ?? Environment.ProcessId);
        Assert.True(init.Find(Group, file));
        Assert.Null(init.Root);
        for (var round = 0; round < 10; round++)
        {
            init.Find(Group, file);
        }

        Assert.Equal(late is null ? null : $"/proc/{late.Init}/root", init.Root);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0\n-1\nx\n99999999999999999999\n")]
    public void Garbage_is_no_process(string processes)
    {
        host.Write("lxc/100/cgroup.procs", processes);
        Assert.True(init.Find(Group, file));
        Assert.Null(init.Root);
    }

    [Fact]
    public void A_tree_that_a_container_made_too_large_has_an_end()
    {
        for (var i = 0; i < 300; i++)
        {
            host.Write($"lxc/100/{i}/cgroup.procs", $"{Environment.ProcessId}\n");
        }

        Assert.True(init.Find(Group, file));
        Assert.Null(init.Root);
    }

    // Where systemd in a container puts itself, beside a process that is not the first one.
    private void Place(int pid)
    {
        host.Write("lxc/100/cgroup.procs", "");
        host.Write("lxc/100/ns/cgroup.procs", string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}\n"));
        host.Write("lxc/100/ns/init.scope/cgroup.procs", string.Create(CultureInfo.InvariantCulture, $"{pid}\n"));
    }

    private sealed class Namespace : IDisposable
    {
        private readonly Process outer;

        public Namespace()
        {
            outer = Process.Start(new ProcessStartInfo("unshare", ["--pid", "--fork", "--kill-child", "sh", "-c", "echo here; read line"]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
            Assert.Equal("here", outer.StandardOutput.ReadLine());
            Init = int.Parse(File.ReadAllText($"/proc/{outer.Id}/task/{outer.Id}/children").Trim(), CultureInfo.InvariantCulture);
        }

        public int Init { get; }

        public void Dispose()
        {
            outer.StandardInput.Close(); // the shell inside ends with its input
            outer.WaitForExit();
            outer.Dispose();
        }
    }
}
