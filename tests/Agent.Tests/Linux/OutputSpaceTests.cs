using System.Diagnostics;
using System.Globalization;
using NannyOrleans.Agent.Jobs;
using NannyOrleans.Agent.Linux;

namespace NannyOrleans.Agent.Tests.Linux;

public sealed class OutputSpaceTests : IDisposable
{
    private readonly string directory = Directory.CreateTempSubdirectory("nannyagent-test-").FullName;

    public void Dispose() => Directory.Delete(directory, recursive: true);

    [Fact]
    public void A_flood_takes_no_more_space_than_its_ends_and_keeps_them_and_its_length()
    {
        const int Length = 64 * 1024 * 1024;
        var path = Path.Combine(directory, "stdout");
        using var writer = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.ReadWrite);
        var block = new byte[1024 * 1024];
        Array.Fill(block, (byte)'x');
        for (var i = 0; i < Length / block.Length; i++)
        {
            writer.Write(block);
        }

        writer.Flush(flushToDisk: true);
        Assert.Null(OutputSpace.GiveBack(path));
        writer.Write("end"u8); // who writes goes on
        writer.Flush(flushToDisk: true);

        Assert.Equal(Length + 3, new FileInfo(path).Length);
        Assert.InRange(Taken(path), 1, (2 * OutputSpace.KeptAtEnds) + (1024 * 1024));
        var kept = KeptOutput.Read(path, 1024 * 1024, 4 * 1024 * 1024);
        Assert.Equal(Length + 3 - (1024 * 1024), kept.Cut);
        Assert.StartsWith("xxxx", kept.Text, StringComparison.Ordinal);
        Assert.EndsWith("xxxxend", kept.Text, StringComparison.Ordinal);
        Assert.DoesNotContain('\0', kept.Text);
    }

    [Fact]
    public void What_is_not_large_and_what_is_not_there_stay_as_they_are()
    {
        var path = Path.Combine(directory, "stdout");
        Assert.Null(OutputSpace.GiveBack(path));
        File.WriteAllText(path, "short");
        Assert.Null(OutputSpace.GiveBack(path));
        Assert.Equal("short", File.ReadAllText(path));
    }

    private static long Taken(string path)
    {
        using var stat = Process.Start(new ProcessStartInfo("stat", ["-c", "%b", path]) { RedirectStandardOutput = true })!;
        return 512 * long.Parse(stat.StandardOutput.ReadToEnd(), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture);
    }
}
