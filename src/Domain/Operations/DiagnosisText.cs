using System.Text.Json;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Domain.Operations;

/// <summary>Reads what a diagnosis found.</summary>
public static class DiagnosisText
{
    /// <summary>The most checks of one diagnosis.</summary>
    public const int MaxChecks = 100;

    /// <summary>The longest text of a check, in characters.</summary>
    public const int MaxText = 4000;

    /// <summary>The diagnosis; null for anything but a whole one within its bounds. No check at all is no diagnosis: nothing was looked at.</summary>
    public static Diagnosis? Read(string standardOutput)
    {
        Diagnosis? diagnosis;
        try
        {
            diagnosis = JsonSerializer.Deserialize(standardOutput, ProtocolJson.Default.Diagnosis);
        }
        catch (JsonException)
        {
            return null;
        }

        return diagnosis is { Checks.Count: > 0 and <= MaxChecks } && diagnosis.Checks.All(IsSound) ? diagnosis : null;
    }

    // A list may have null in it whatever its type says.
    private static bool IsSound(Check? check) =>
        check is { Name.Length: > 0 and <= 100, Message.Length: <= MaxText } && check.Advice is null or { Length: <= MaxText } && Enum.IsDefined(check.Result);
}
