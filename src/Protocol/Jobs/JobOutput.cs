using System.Text.Json.Serialization;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Protocol.Jobs;

/// <summary>A piece of what a running job prints, for whoever watches. The final report has the output that counts; a lost piece is only a gap.</summary>
/// <param name="Id">The job.</param>
/// <param name="Channel">Where it was printed.</param>
/// <param name="Offset">Bytes of this channel before this piece, 0 or more. A jump says that pieces between were left out.</param>
/// <param name="Length">Bytes this piece stands for, 1 to <see cref="MaxLength"/>.</param>
/// <param name="Text">The text, invalid UTF-8 replaced by U+FFFD. Whoever shows it escapes it.</param>
public sealed record JobOutput(JobId Id, OutputChannel Channel, long Offset, int Length, string Text)
{
    /// <summary>The most bytes in one piece.</summary>
    public const int MaxLength = 32 * 1024;
}

/// <summary>Where a job prints.</summary>
[JsonConverter(typeof(WireEnumConverter<OutputChannel>))]
public enum OutputChannel
{
    /// <summary>Standard output: a patch script's document, at its end.</summary>
    [JsonStringEnumMemberName("stdout")]
    StandardOutput,

    /// <summary>Standard error: a patch script's log for people.</summary>
    [JsonStringEnumMemberName("stderr")]
    StandardError,
}
