using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Tests.Support;

namespace NannyOrleans.Agent.Tests.Linux;

public sealed class FileBytesTests : IDisposable
{
    private readonly LabHost host = new();

    public void Dispose() => host.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(16 * 1024)]
    [InlineData((16 * 1024) + 1)]
    [InlineData(1_000_000)]
    public void A_file_is_read_whole_and_a_small_one_after_a_large_one_too(int size)
    {
        var (large, small) = (Path.Combine(host.Directory, "large"), Path.Combine(host.Directory, "small"));
        var content = new byte[size];
        new Random(size).NextBytes(content);
        File.WriteAllBytes(large, content);
        File.WriteAllBytes(small, [1, 2, 3]);
        var file = new FileBytes();
        Assert.Equal(0, file.Read(large));
        Assert.True(file.Content.SequenceEqual(content));
        Assert.Equal(0, file.Read(small));
        Assert.True(file.Content.SequenceEqual((byte[])[1, 2, 3]));
    }

    [Fact]
    public void What_cannot_be_read_leaves_nothing_of_what_was_read_before()
    {
        host.Write("some", "text");
        var file = new FileBytes();
        Assert.Equal(0, file.Read(Path.Combine(host.Directory, "some")));
        var missing = Path.Combine(host.Directory, "missing");
        var error = file.Read(missing);
        Assert.Equal((FileBytes.NotThere, 0), (error, file.Content.Length));
        Assert.Equal($"{missing} cannot be read: No such file or directory", FileBytes.Problem(missing, error));
        Assert.NotEqual(0, file.Read(host.Directory));
    }

    [Fact]
    public void A_file_above_the_limit_is_an_error_not_a_part_of_it()
    {
        host.Write("some", new string('x', 100_000));
        var file = new FileBytes(limit: 50_000);
        var error = file.Read(Path.Combine(host.Directory, "some"));
        Assert.Contains("too large", FileBytes.Problem("x", error), StringComparison.Ordinal);
        Assert.Equal(0, file.Content.Length);
    }

    [Fact]
    public void A_pipe_nobody_writes_to_holds_nothing_up()
    {
        var pipe = Path.Combine(host.Directory, "pipe");
        Posix.MakePipe(pipe);
        var file = new FileBytes();
        file.Read(pipe);
        Assert.Equal(0, file.Content.Length);
    }

    [Fact]
    public void The_kernels_files_are_read_although_they_have_no_size()
    {
        var file = new FileBytes();
        Assert.Equal(0, file.Read("/proc/self/stat"));
        Assert.NotEqual(0, file.Content.Length);
    }
}
