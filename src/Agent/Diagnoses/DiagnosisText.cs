using System.Text;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Diagnoses;

/// <summary>A diagnosis for a terminal.</summary>
internal static class DiagnosisText
{
    /// <summary>One line for each check, its advice below it.</summary>
    /// <param name="diagnosis">The diagnosis.</param>
    /// <param name="colours">Whether the results are coloured, which only a terminal shows.</param>
    public static string Of(Diagnosis diagnosis, bool colours)
    {
        var text = new StringBuilder();
        foreach (var check in diagnosis.Checks)
        {
            var (word, colour) = check.Result switch
            {
                CheckResult.Ok => ("ok", 32),
                CheckResult.Warning => ("warning", 33),
                CheckResult.Problem => ("problem", 31),
                _ => ("unknown", 35),
            };
            var shown = colours ? $"\u001b[{colour}m{word,-9}\u001b[0m" : $"{word,-9}";
            text.Append(shown).Append(PlainText.Of($"{check.Name + ":",-18}{check.Message}", 1000)).Append('\n');
            if (check.Advice is { } advice)
            {
                text.Append(' ', 9 + 18).Append("→ ").Append(PlainText.Of(advice, 1000)).Append('\n');
            }
        }

        return text.ToString();
    }
}
