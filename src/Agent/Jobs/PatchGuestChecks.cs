using System.Globalization;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Jobs;

/// <summary>What a patch job must satisfy before anything runs. All of it is checked here again: the server may be wrong, or somebody else's.</summary>
internal static class PatchGuestChecks
{
    /// <summary>Why the job itself is not acceptable; null when it is.</summary>
    public static string? Refusal(PatchGuest job) => job switch
    {
        { Vmid.Value: < Vmid.Smallest or > Vmid.Largest } => $"{job.Vmid} is not a vmid",
        { TimeoutSeconds: < 1 or > 86400 } => $"a timeout of {job.TimeoutSeconds.ToString(CultureInfo.InvariantCulture)} s is not from 1 to 86400",
        { Mode: not (PatchMode.DryRun or PatchMode.Apply) } => "the mode is neither dry-run nor apply",
        { Script: null } => "there is no script",
        _ when !IsPlainName(job.Script.Name) => $"'{PlainText.Of(job.Script.Name ?? string.Empty, 80)}' is not a script's name",
        _ when job.Script.Sha256 is not { Length: 64 } hash || !hash.All(char.IsAsciiHexDigitLower) => $"the SHA-256 of {job.Script.Name} is not 64 hex digits",
        { Exclusions: null } => "there is no list of exclusions",
        { Exclusions.Count: > PackagePattern.MaxCount } => $"more than {PackagePattern.MaxCount} exclusions",
        _ when job.Exclusions.FirstOrDefault(pattern => !PackagePattern.IsValid(pattern)) is { } wrong => $"'{PlainText.Of(wrong, 80)}' is not a package name",
        _ => null,
    };

    /// <summary>Why the container may not be patched now; null when it may.</summary>
    /// <param name="vmid">The container.</param>
    /// <param name="conf">Its file's text on this node; null when there is none.</param>
    public static string? Refusal(Vmid vmid, string? conf) => conf is null
        ? $"container {vmid} is not on this node"
        : GuestConf.Parse(GuestType.Lxc, conf) switch
        {
            { Template: true } => "container is a template",
            { Lock: { } held } => $"container is locked ({PlainText.Of(held, 40)})",
            _ => null,
        };

    /// <summary>The whole command: one <c>pct exec</c>, the script on its standard input, a clean environment, an end in the container itself.</summary>
    public static IReadOnlyList<string> Command(PatchGuest job)
    {
        List<string> command =
        [
            "pct", "exec", job.Vmid.ToString(), "--",
            "env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8",
            "timeout", "-k", "10", job.TimeoutSeconds.ToString(CultureInfo.InvariantCulture),
            "sh", "-s", "--",
        ];
        if (job.Mode is PatchMode.DryRun)
        {
            command.Add("--dry-run");
        }

        if (job.Exclusions.Count > 0)
        {
            command.AddRange(["--exclude", string.Join(',', job.Exclusions)]);
        }

        return command;
    }

    private static bool IsPlainName(string? name) =>
        name is { Length: > 0 and <= 64 } && char.IsAsciiLetterOrDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');
}
