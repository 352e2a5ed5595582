using NannyOrleans.Domain;

namespace NannyOrleans.Api.Dashboard.Pages.Operations;

/// <summary>The end of what an operation has printed, line by line: as much as a person reads and a server can keep for each open page.</summary>
public sealed class OutputTail
{
    /// <summary>Lines kept.</summary>
    public const int MostLines = 2000;

    /// <summary>Characters kept.</summary>
    public const int MostCharacters = 256 * 1024;

    /// <summary>Characters of a line; what comes after them is counted.</summary>
    public const int LongestLine = 4000;

    private readonly LinkedList<OutputLine> lines = [];
    private readonly OutputLine?[] open = [null, null];
    private long characters;
    private long number;

    /// <summary>The lines, oldest first.</summary>
    public IReadOnlyCollection<OutputLine> Lines => lines;

    /// <summary>Earlier lines that are not kept.</summary>
    public long LeftOut { get; private set; }

    /// <summary>Bytes at the beginning that were never here: the server itself had dropped them.</summary>
    public long MissedBytes { get; private set; }

    /// <summary>How far it has been read, as the API says it; null before.</summary>
    public string? Position { get; private set; }

    /// <summary>Takes what the API gave from <see cref="Position"/> on.</summary>
    /// <returns>Whether there was something new.</returns>
    public bool Take(OutputEntry page)
    {
        if (page.Next == Position)
        {
            return false;
        }

        var (output, error) = Offsets(Position);
        MissedBytes += Math.Max(0, page.StdoutOffset - output) + Math.Max(0, page.StderrOffset - error);
        Position = page.Next;
        Add(0, page.Stdout);
        Add(1, page.Stderr);
        return true;
    }

    // A line that has begun goes on where it is, also when the other channel has printed since.
    private void Add(int channel, string text)
    {
        var parts = text.Split('\n');
        for (var at = 0; at < parts.Length; at++)
        {
            if (at > 0)
            {
                open[channel] = null;
            }

            if (parts[at].Length is 0 && (at == parts.Length - 1 || open[channel] is not null))
            {
                continue; // the end of a line begins no other one until something is in it
            }

            if (open[channel] is not { } line)
            {
                line = new(number++, channel is 1);
                open[channel] = line;
                lines.AddLast(line);
            }

            characters += line.Append(parts[at]);
        }

        while (lines.Count > MostLines || (characters > MostCharacters && lines.Count > 1))
        {
            var oldest = lines.First!.Value;
            lines.RemoveFirst();
            characters -= oldest.Text.Length;
            LeftOut++;
            open[oldest.IsError ? 1 : 0] = ReferenceEquals(open[oldest.IsError ? 1 : 0], oldest) ? null : open[oldest.IsError ? 1 : 0];
        }
    }

    private static (long Output, long Error) Offsets(string? position) =>
        Domain.Operations.OutputPosition.TryParse(position, out var at) ? (at.StandardOutput, at.StandardError) : (0, 0);
}

/// <summary>One line.</summary>
/// <param name="number">Counts up from 0.</param>
/// <param name="isError">Whether it was printed on standard error.</param>
public sealed class OutputLine(long number, bool isError)
{
    /// <summary>Counts up from 0.</summary>
    public long Number { get; } = number;

    /// <summary>Whether it was printed on standard error.</summary>
    public bool IsError { get; } = isError;

    /// <summary>What it says, harmless whatever that is.</summary>
    public string Text { get; private set; } = string.Empty;

    /// <summary>Characters that are not shown.</summary>
    public long Cut { get; private set; }

    /// <summary>Goes on.</summary>
    /// <returns>How many characters it has gained.</returns>
    internal int Append(string more)
    {
        var room = Math.Max(0, OutputTail.LongestLine - Text.Length);
        var taken = more.Length <= room ? more : more[..room];
        Cut += more.Length - taken.Length;
        var clean = PrintableText.Of(taken.TrimEnd('\r'), lines: true);
        Text += clean;
        return clean.Length;
    }
}

/// <summary>A page of output as the API gives it.</summary>
/// <param name="Stdout">Standard output.</param>
/// <param name="Stderr">Standard error.</param>
/// <param name="StdoutOffset">Bytes before it.</param>
/// <param name="StderrOffset">Bytes before it.</param>
/// <param name="Next">Where to go on.</param>
public sealed record OutputEntry(string Stdout, string Stderr, long StdoutOffset, long StderrOffset, string Next);
