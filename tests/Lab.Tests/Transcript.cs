using System.Globalization;
using System.Text;

namespace NannyOrleans.Lab.Tests;

/// <summary>One line of a transcript: a command with what it prints, or, without a code, a step that only prepares.</summary>
internal sealed record TranscriptStep(string Command, int? Code, string Out, string Err)
{
    /// <summary>Reads a fixture's table. Its first lines say how it is written.</summary>
    public static IReadOnlyList<TranscriptStep> Parse(string text)
    {
        var steps = new List<TranscriptStep>();
        foreach (var line in text.Split('\n'))
        {
            if (line.Length is 0 || line[0] is '#') { continue; }
            if (line.StartsWith("% ", StringComparison.Ordinal)) { steps.Add(new(line[2..], null, "", "")); }
            else if (line.StartsWith("$ ", StringComparison.Ordinal)) { steps.Add(new(line[2..], 0, "", "")); }
            else
            {
                var last = steps[^1];
                steps[^1] = line[..2] switch
                {
                    "rc" => last with { Code = int.Parse(line[3..], CultureInfo.InvariantCulture) },
                    "1|" => last with { Out = $"{last.Out}{line[2..]}\n" },
                    "1\\" => last with { Out = last.Out + line[2..] },
                    "2|" => last with { Err = $"{last.Err}{line[2..]}\n" },
                    _ => throw new FormatException(line),
                };
            }
        }

        return steps;
    }

    /// <summary>The step as the fixture would show it, for a readable difference.</summary>
    public static string Show(string command, int code, string output, string errors)
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"$ {command}\nrc {code}\n");
        foreach (var (tag, stream) in new[] { ("1", output), ("2", errors) })
        {
            foreach (var line in stream.Split('\n')[..^1]) { text.Append(CultureInfo.InvariantCulture, $"{tag}|{line}\n"); }
            if (!stream.EndsWith('\n') && stream.Length > 0) { text.Append(CultureInfo.InvariantCulture, $"{tag}\\{stream.Split('\n')[^1]}\n"); }
        }

        return text.ToString();
    }
}
