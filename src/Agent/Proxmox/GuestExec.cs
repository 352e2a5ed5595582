using System.Globalization;
using System.Text.Json;

namespace NannyOrleans.Agent.Proxmox;

/// <summary>What <c>qm guest exec</c> says. Its own exit code is 0 whatever the command's is: only the answer tells.</summary>
internal static class GuestExec
{
    /// <summary>Reads an answer of <c>qm guest exec</c> that exited with 0.</summary>
    /// <returns>What the command wrote, when it ended with 0 and the answer is whole; else why there is nothing to go by.</returns>
    public static (string? Output, string? Problem) Read(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var root = document.RootElement;
            if (root.ValueKind is not JsonValueKind.Object)
            {
                return (null, NoAnswer);
            }

            if (!IsSet(root, "exited"))
            {
                return (null, LenientJson.Number(root, "pid") is null ? NoAnswer : "the command in the VM did not end in time");
            }

            if (LenientJson.Number(root, "exitcode") is not { } code)
            {
                return (null, "the command in the VM was killed");
            }

            if (code is not 0)
            {
                var said = LenientJson.Text(root, "err-data")?.Trim() is { Length: > 0 } text ? $": {PlainText.Of(text)}" : string.Empty;
                return (null, string.Create(CultureInfo.InvariantCulture, $"the command in the VM ended with {code}{said}"));
            }

            // A part is never taken for the whole. A flag that cannot be read is one that is set.
            return LenientJson.Property(root, "out-truncated") is not null && LenientJson.Number(root, "out-truncated") is not 0
                ? (null, "the VM's answer was cut off")
                : (LenientJson.Text(root, "out-data") ?? string.Empty, null);
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException) // the last: text that is no Unicode
        {
            return (null, NoAnswer);
        }
    }

    /// <summary>Why a VM cannot be worked in, from what <c>qm</c> wrote to standard error when it failed, in words that say what to do.</summary>
    public static string Refusal(string error) => error switch
    {
        _ when Says(error, "No QEMU guest agent configured") => "the VM has no QEMU guest agent configured; enable it in the VM's options (agent: 1) and restart the VM",
        _ when Says(error, "QEMU guest agent is not running") => "the QEMU guest agent is not running in the VM; install and start qemu-guest-agent there",
        _ when Says(error, "got timeout") => "the QEMU guest agent in the VM does not answer; after a boot it may take 100 s",
        _ when Says(error, "guest-exec") && (Says(error, "disabled") || Says(error, "not been found") || Says(error, "not allowed")) =>
            "the VM forbids guest-exec; allow it in the VM's /etc/sysconfig/qemu-ga (RHEL family: the block or allow list there) and restart qemu-guest-agent",
        _ when Says(error, "is not running") => "the VM is not running",
        _ when error.Trim() is { Length: > 0 } text => $"the VM could not be worked in: {PlainText.Of(text)}",
        _ => "the VM could not be worked in, and qm did not say why",
    };

    private static bool IsSet(JsonElement root, string name) => LenientJson.Number(root, name) is 1 || LenientJson.Property(root, name) is { ValueKind: JsonValueKind.True };

    private static bool Says(string error, string words) => error.Contains(words, StringComparison.Ordinal);

    private const string NoAnswer = "qm guest exec gave no answer that can be read";
}
