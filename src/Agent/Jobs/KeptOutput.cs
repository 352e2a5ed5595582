using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;

namespace NannyOrleans.Agent.Jobs;

/// <summary>What is kept of a program's output: its beginning and its end, and how many bytes between them were left out.</summary>
/// <param name="Text">The text, invalid UTF-8 replaced by U+FFFD, with a line in it that says what is missing.</param>
/// <param name="Cut">The bytes left out; 0 when it is whole.</param>
internal readonly record struct KeptOutput(string Text, long Cut)
{
    /// <summary>Reads a file that may be far larger than memory.</summary>
    /// <param name="path">The file; a missing one is empty.</param>
    /// <param name="limit">The most bytes kept.</param>
    /// <param name="encodedLimit">
    /// The most bytes the text may take as a JSON string. A control character takes six, so a megabyte of them would not pass
    /// through the server's message limit, and the job's end would never arrive.
    /// </param>
    public static KeptOutput Read(string path, int limit, int encodedLimit)
    {
        if (!File.Exists(path))
        {
            return new(string.Empty, 0);
        }

        while (true)
        {
            var kept = ReadEnds(path, limit);
            if (JsonLength(kept.Text) <= encodedLimit)
            {
                return kept;
            }

            limit /= 2;
        }
    }

    private static KeptOutput ReadEnds(string path, int limit)
    {
        using var file = File.OpenHandle(path);
        var length = RandomAccess.GetLength(file);
        if (length <= limit)
        {
            return new(Encoding.UTF8.GetString(ReadAt(file, 0, (int)length)), 0);
        }

        var head = WithoutBrokenEnd(ReadAt(file, 0, limit / 2));
        var tail = WithoutBrokenStart(ReadAt(file, length - (limit / 2), limit / 2));
        var cut = length - head.Length - tail.Length;
        return new(Joined(head, string.Create(CultureInfo.InvariantCulture, $"\n[... {cut} bytes left out ...]\n"), tail), cut);
    }

    /// <summary>Decodes straight into the one string: copies of a megabyte are what the agent's heap has no room for.</summary>
    private static string Joined(ReadOnlySpan<byte> head, string notice, ReadOnlySpan<byte> tail)
    {
        var ends = new Ends(head, notice, tail);
        var length = Encoding.UTF8.GetCharCount(head) + notice.Length + Encoding.UTF8.GetCharCount(tail);
        return string.Create(length, ends, static (to, from) =>
        {
            var at = Encoding.UTF8.GetChars(from.Head, to);
            from.Notice.CopyTo(to[at..]);
            Encoding.UTF8.GetChars(from.Tail, to[(at + from.Notice.Length)..]);
        });
    }

    private readonly ref struct Ends(ReadOnlySpan<byte> head, string notice, ReadOnlySpan<byte> tail)
    {
        public readonly ReadOnlySpan<byte> Head = head;
        public readonly string Notice = notice;
        public readonly ReadOnlySpan<byte> Tail = tail;
    }

    private static byte[] ReadAt(Microsoft.Win32.SafeHandles.SafeFileHandle file, long offset, int count)
    {
        var buffer = new byte[count];
        var filled = 0;
        while (filled < count && RandomAccess.Read(file, buffer.AsSpan(filled), offset + filled) is > 0 and var read)
        {
            filled += read;
        }

        return filled == count ? buffer : buffer[..filled];
    }

    /// <summary>Drops a character that the cut would split; at most three bytes.</summary>
    internal static ReadOnlySpan<byte> WithoutBrokenEnd(ReadOnlySpan<byte> bytes)
    {
        for (var back = 1; back <= Math.Min(3, bytes.Length); back++)
        {
            var b = bytes[^back];
            if ((b & 0xC0) is not 0x80)
            {
                var needed = b >= 0xF0 ? 4 : b >= 0xE0 ? 3 : b >= 0xC0 ? 2 : 1;
                return needed > back ? bytes[..^back] : bytes;
            }
        }

        return bytes;
    }

    private static ReadOnlySpan<byte> WithoutBrokenStart(ReadOnlySpan<byte> bytes)
    {
        var skip = 0;
        while (skip < Math.Min(3, bytes.Length) && (bytes[skip] & 0xC0) is 0x80)
        {
            skip++;
        }

        return bytes[skip..];
    }

    private static long JsonLength(string text)
    {
        Span<char> escaped = stackalloc char[1024];
        var rest = text.AsSpan();
        long length = 0;
        while (rest.Length > 0)
        {
            JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(rest, escaped, out var read, out var written, isFinalBlock: true);
            length += Encoding.UTF8.GetByteCount(escaped[..written]);
            rest = rest[read..];
        }

        return length;
    }
}
