using System.Globalization;

namespace NannyOrleans.Lab.Verbs;

/// <summary>How a host's reboots go, set beforehand by whoever tries what comes of it.</summary>
/// <param name="Kind"><c>normal</c>, <c>slow</c>, <c>never</c> or <c>old-kernel</c>.</param>
/// <param name="Time">Of a slow one, how long the host is away.</param>
internal sealed record RebootWay(string Kind, TimeSpan Time)
{
    /// <summary>The kinds there are.</summary>
    public static string[] Kinds { get; } = ["normal", "slow", "never", "old-kernel"];

    /// <summary>What a person asked for; seconds belong to a slow one and to no other.</summary>
    public static RebootWay Of(string kind, double? seconds) => (kind, seconds) switch
    {
        ("slow", null) => throw new LabFailure("SECONDS is missing: `reboot-as NAME slow SECONDS`"),
        ("slow", < 0 or > 86_400) => throw new LabFailure("SECONDS takes 0 to 86400"),
        ("slow", { } s) => new("slow", TimeSpan.FromSeconds(s)),
        (_, null) => new(kind, TimeSpan.Zero),
        _ => throw new LabFailure($"SECONDS is for `slow`, not for `{kind}`"),
    };

    /// <summary>When a host that goes down now is back, in Unix milliseconds; 0 for never, and where nobody has to wait.</summary>
    public long BackAt(DateTimeOffset now) => Kind is "slow" ? (now + Time).ToUnixTimeMilliseconds() : 0;

    /// <summary>The way of one host.</summary>
    public static RebootWay Read(LabDirectory directory, string host)
    {
        var file = directory.RebootAsFile(host);
        return File.Exists(file) && File.ReadAllText(file).Split(' ') is [var kind, var seconds]
            ? new(kind, TimeSpan.FromSeconds(double.Parse(seconds, CultureInfo.InvariantCulture)))
            : new("normal", TimeSpan.Zero);
    }

    /// <summary>Keeps it until another is set.</summary>
    public void Write(LabDirectory directory, string host) =>
        LabDirectory.Replace(directory.RebootAsFile(host), string.Create(CultureInfo.InvariantCulture, $"{Kind} {Time.TotalSeconds}"), LabDirectory.Readable);
}
