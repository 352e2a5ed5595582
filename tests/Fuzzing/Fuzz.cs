using System.Globalization;
using CsCheck;

namespace NannyOrleans.Tests.Fuzzing;

/// <summary>
/// Input that nobody meant: two thousand cases for each thing that reads it, or two seconds where a server does, or <c>NANNY_FUZZ_SECONDS</c>
/// (<c>./nanny bench fuzz</c>).
/// A case that fails says its seed; <c>CsCheck_Seed=THAT</c> runs it again.
/// </summary>
internal static class Fuzz
{
    /// <summary>What breaks readers of text.</summary>
    public static readonly string[] Insertions =
    [
        "\0", "\n", "\r\n", "[", "{", "}", "\"", "\\", "\\ud800", ":", "=", ",", "-1", "99999999999999999999", "\u001b[2J", "\u202e", "\ufffd", "\ud800", "\u0085", new string('9', 5000),
        new string('[', 5000), new string('(', 5000), "null", "1e999", "/../../etc/shadow", "%00", "'", "&", "<script>", "$(id)", "\u001e",
    ];

    private static readonly int? Asked = int.TryParse(Environment.GetEnvironmentVariable("NANNY_FUZZ_SECONDS"), NumberStyles.None, CultureInfo.InvariantCulture, out var asked) ? asked : null;

    /// <summary>A text with one to eight places damaged: cut, doubled, or with something put in.</summary>
    public static Gen<string> Damaged(string whole) =>
        Gen.Select(Gen.Int[0, 3], Gen.Double[0, 1], Gen.Int[0, 40], Gen.Int[0, Insertions.Length - 1].Select(i => Insertions[i])).Array[1, 8].Select(damages =>
        {
            var text = whole;
            foreach (var (kind, where, length, insertion) in damages)
            {
                var at = (int)(where * text.Length);
                var end = Math.Min(text.Length, at + length);
                text = kind switch
                {
                    0 => text[..at] + text[end..],
                    1 => text[..end] + text[at..],
                    2 => text[..at],
                    _ => text[..at] + insertion + text[at..],
                };
            }

            return text;
        });

    /// <summary>Holds a law against all that comes; it may be asked by several threads at once.</summary>
    public static void Hold<T>(this Gen<T> cases, string what, Func<T, bool> law)
    {
        var count = 0L;
        cases.Sample(
            one =>
            {
                Interlocked.Increment(ref count);
                return law(one);
            },
            iter: 2000,
            time: Asked ?? -1);
        Tell(what, count);
    }

    /// <summary>The same, one after the other.</summary>
    public static async Task Hold<T>(this Gen<T> cases, string what, Func<T, Task> law)
    {
        var count = 0L;
        await cases.SampleAsync(
            async one =>
            {
                count++;
                await law(one);
            },
            time: Asked ?? 2,
            threads: 1);
        Tell(what, count);
    }

    private static void Tell(string what, long count)
    {
        if (count is 0)
        {
            throw new InvalidOperationException($"Not one case of {what}.");
        }

        if (Environment.GetEnvironmentVariable("NANNY_FUZZ_RESULTS") is { Length: > 0 } results)
        {
            File.AppendAllText(results, string.Create(CultureInfo.InvariantCulture, $"{what} {count}\n"));
        }
    }
}
