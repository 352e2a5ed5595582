using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace NannyOrleans.Scripts.Tests;

/// <summary>One run of a patch script: its exit code, its log and the one document it wrote.</summary>
internal sealed record PatchRun(int ExitCode, string Log, string Text, PatchDocument Document)
{
    private static readonly JsonSerializerOptions Strict = new(JsonSerializerDefaults.General)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    /// <summary>Reads a result; fails unless standard output is exactly one line of ASCII with one document.</summary>
    public static PatchRun Of(CommandResult result, string family = "apt")
    {
        Assert.True(result.Output.Count(c => c is '\n') is 1 && result.Output.EndsWith('\n'), $"Not one line: {result.Output}\n{result.Errors}");
        Assert.True(result.Output.All(char.IsAscii), result.Output);
        Assert.StartsWith("nanny-patch: started\n", result.Errors, StringComparison.Ordinal);
        var document = JsonSerializer.Deserialize<PatchDocument>(result.Output, Strict)!;
        Assert.Equal(family, document.Family);
        return new(result.ExitCode, result.Errors, result.Output, document);
    }

    /// <summary>Fails unless it ended well.</summary>
    public PatchDocument Succeeded()
    {
        Assert.True(ExitCode is 0, $"Exit code {ExitCode}: {Text}\n{Log}");
        Assert.Null(Document.Error);
        return Document;
    }

    /// <summary>Fails unless it ended with exit code <paramref name="exitCode"/> and this error.</summary>
    public PatchDocument Failed(string code, int exitCode = 100)
    {
        Assert.True(ExitCode == exitCode && Document.Error?.Code == code, $"Exit code {ExitCode}: {Text}\n{Log}");
        return Document;
    }
}

/// <summary>What a patch script writes to standard output.</summary>
internal sealed record PatchDocument(string Family, string Mode)
{
    public IReadOnlyList<PatchedPackage> Packages { get; init; } = [];
    public IReadOnlyList<string> KeptBack { get; init; } = [];
    public IReadOnlyList<HeldPackage> Held { get; init; } = [];
    public IReadOnlyList<string> Removed { get; init; } = [];
    public IReadOnlyList<string> Failed { get; init; } = [];
    public bool? RebootRequired { get; init; }
    public IReadOnlyList<string>? ServicesToRestart { get; init; }
    public IReadOnlyList<string> Warnings { get; init; } = [];
    public PatchError? Error { get; init; }

    /// <summary>The packages as <c>name from to</c>, in order of name.</summary>
    [JsonIgnore]
    public IEnumerable<string> Changes => Packages.Select(p => $"{p.Name} {p.From ?? "-"} {p.To}").Order(StringComparer.Ordinal);

    /// <summary>What it is pinned by, as the control plane computes it.</summary>
    [JsonIgnore]
    public string Fingerprint => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
        string.Concat(Packages.Select(package => $"{package.Name}\t{package.To}\n").Concat(Removed.Select(name => $"{name}\t-\n")).Order(StringComparer.Ordinal)))));
}

internal sealed record PatchedPackage(string Name, string? From, string To, bool Security, string Origin);

internal sealed record HeldPackage(string Name, string Reason);

internal sealed record PatchError(string Code, string Message);
