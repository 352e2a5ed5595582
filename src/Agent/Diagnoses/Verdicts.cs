using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Diagnoses;

/// <summary>Makes checks. Whatever a guest or a program said goes into them without controls, and not without end.</summary>
internal static class Verdicts
{
    /// <summary>As it should be.</summary>
    public static Check Ok(string name, string message) => new(name, CheckResult.Ok, Plain(message), null);

    /// <summary>Works, and deserves a look.</summary>
    public static Check Warning(string name, string message, string advice) => new(name, CheckResult.Warning, Plain(message), Plain(advice));

    /// <summary>Keeps patching from working.</summary>
    public static Check Problem(string name, string message, string advice) => new(name, CheckResult.Problem, Plain(message), Plain(advice));

    /// <summary>It could not be looked at.</summary>
    public static Check Unknown(string name, string why, string? advice = null) => new(name, CheckResult.Unknown, Plain(why), advice is null ? null : Plain(advice));

    /// <summary>At most three of several things.</summary>
    public static string Some(IReadOnlyList<string> all) => string.Join("; ", all.Take(3).Select(one => PlainText.Of(one, 200))) + (all.Count > 3 ? $"; and {all.Count - 3} more" : string.Empty);

    private static string Plain(string text) => PlainText.Of(text, 800);
}
