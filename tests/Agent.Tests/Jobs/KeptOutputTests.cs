using System.Text;
using CsCheck;
using NannyOrleans.Agent.Jobs;

namespace NannyOrleans.Agent.Tests.Jobs;

public sealed class KeptOutputTests : IDisposable
{
    private readonly string path = Path.GetTempFileName();

    public void Dispose() => File.Delete(path);

    [Fact]
    public void A_missing_file_is_empty() => Assert.Equal(new KeptOutput(string.Empty, 0), KeptOutput.Read("/nowhere/stdout", 10, 1000));

    [Theory]
    [InlineData("0123456789", 10, "0123456789", 0)]
    [InlineData("0123456789a", 10, "01234\n[... 1 bytes left out ...]\n6789a", 1)]
    [InlineData("äääääääääää", 10, "ää\n[... 14 bytes left out ...]\nää", 14)] // no half characters at the edges
    public void Head_and_tail_are_kept(string text, int limit, string kept, long cut)
    {
        File.WriteAllText(path, text);
        Assert.Equal(new KeptOutput(kept, cut), KeptOutput.Read(path, limit, 1000));
    }

    [Fact]
    public void Every_byte_is_kept_or_counted() => Gen.Select(Gen.String, Gen.Int[8, 64]).Sample((text, limit) =>
    {
        var bytes = Encoding.UTF8.GetBytes(text); // lone surrogates become U+FFFD here already
        File.WriteAllBytes(path, bytes);
        var kept = KeptOutput.Read(path, limit, int.MaxValue);
        var notice = kept.Cut is 0 ? 0 : Encoding.UTF8.GetByteCount($"\n[... {kept.Cut} bytes left out ...]\n");
        return Encoding.UTF8.GetByteCount(kept.Text) - notice + kept.Cut == bytes.Length;
    }, threads: 1);

    [Fact]
    public void What_grows_too_much_on_the_wire_is_cut_further()
    {
        File.WriteAllBytes(path, new byte[1000]);
        Assert.True(KeptOutput.Read(path, 1000, 3000).Cut > 0);
        Assert.Equal(0, KeptOutput.Read(path, 1000, 6000).Cut);
    }
}
