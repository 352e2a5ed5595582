using System.Text;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Operations;

/// <summary>What a running job has printed lately, in memory alone: for whoever watches, and never for what counts.</summary>
public sealed class LiveOutput
{
    /// <summary>Bytes kept of each channel; the oldest go first.</summary>
    public const int Kept = 256 * 1024;

    private readonly Queue<JobOutput>[] pieces = [[], []];
    private readonly long[] ends = [0, 0];
    private readonly long[] sizes = [0, 0];

    /// <summary>Takes a piece. One that is out of bounds, or that came before, is none.</summary>
    /// <returns>Whether it was news.</returns>
    public bool Add(JobOutput piece)
    {
        var channel = (int)piece.Channel;
        if (!Enum.IsDefined(piece.Channel) || piece.Length is < 1 or > JobOutput.MaxLength || piece.Text.Length > JobOutput.MaxLength
            || piece.Offset < ends[channel] || piece.Offset > long.MaxValue - piece.Length)
        {
            return false;
        }

        pieces[channel].Enqueue(piece);
        ends[channel] = piece.Offset + piece.Length;
        sizes[channel] += piece.Length;
        while (sizes[channel] > Kept)
        {
            sizes[channel] -= pieces[channel].Dequeue().Length;
        }

        return true;
    }

    /// <summary>What begins at a position or after it; what is gone shows as a jump in the offsets.</summary>
    public IReadOnlyList<OutputPiece> After(OutputPosition position) =>
    [
        .. pieces.SelectMany(channel => channel).Where(piece => piece.Offset >= position.Of(piece.Channel))
            .Select(piece => new OutputPiece(piece.Channel, piece.Offset, piece.Offset + piece.Length, piece.Text)),
    ];
}

/// <summary>A piece of output as it is shown.</summary>
/// <param name="Channel">Where it was printed.</param>
/// <param name="Offset">Bytes of the channel before it.</param>
/// <param name="End">Bytes of the channel up to its end.</param>
/// <param name="Text">The text.</param>
public sealed record OutputPiece(OutputChannel Channel, long Offset, long End, string Text);

/// <summary>How far somebody has read.</summary>
/// <param name="StandardOutput">Bytes of standard output.</param>
/// <param name="StandardError">Bytes of standard error.</param>
public readonly record struct OutputPosition(long StandardOutput, long StandardError)
{
    /// <summary>Bytes of one channel.</summary>
    public long Of(OutputChannel channel) => channel is OutputChannel.StandardOutput ? StandardOutput : StandardError;

    /// <summary>The position after a piece.</summary>
    public OutputPosition After(OutputPiece piece) => piece.Channel is OutputChannel.StandardOutput ? this with { StandardOutput = piece.End } : this with { StandardError = piece.End };

    /// <summary>What an ended operation printed, from here on. Where it was cut, or was no UTF-8, offsets are those of what was kept.</summary>
    public IReadOnlyList<OutputPiece> Rest(OperationOutput output) =>
        [.. Rest(OutputChannel.StandardOutput, output.StandardOutput), .. Rest(OutputChannel.StandardError, output.StandardError)];

    /// <summary>Reads <c>STDOUT-STDERR</c>.</summary>
    public static bool TryParse(string? text, out OutputPosition position)
    {
        var parts = text?.Split('-') ?? [];
        if (parts.Length is 2 && Number(parts[0], out var output) && Number(parts[1], out var error))
        {
            position = new(output, error);
            return true;
        }

        position = default;
        return false;
    }

    /// <inheritdoc/>
    public override string ToString() => FormattableString.Invariant($"{StandardOutput}-{StandardError}");

    private static bool Number(string text, out long number) =>
        long.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out number);

    private List<OutputPiece> Rest(OutputChannel channel, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var rest = new List<OutputPiece>();
        for (var from = Of(channel); from < bytes.Length;)
        {
            var length = (int)Math.Min(JobOutput.MaxLength, bytes.Length - from);
            while (from + length < bytes.Length && length > 1 && (bytes[from + length] & 0xC0) is 0x80)
            {
                length--; // no character is cut in two
            }

            rest.Add(new(channel, from, from + length, Encoding.UTF8.GetString(bytes, (int)from, length)));
            from += length;
        }

        return rest;
    }
}
