using System.Globalization;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Jobs;

/// <summary>What a patch job must satisfy before anything runs. All of it is checked here again: the server may be wrong, or somebody else's.</summary>
internal static class PatchChecks
{
    /// <summary>Why the job itself is not acceptable; null when it is.</summary>
    public static string? Refusal(PatchJob job) => job switch
    {
        { Target: { Value: < Vmid.Smallest or > Vmid.Largest } vmid } => $"{vmid} is not a vmid",
        PatchGuest { WaitSeconds: < 0 or > 86400 } or PatchVm { WaitSeconds: < 0 or > 86400 } => "the time to wait for a lock is not from 0 to 86400 s",
        { Plan: { } plan } when plan.Length is not 64 || !plan.All(char.IsAsciiHexDigitLower) => "the plan is not a SHA-256 of 64 hex digits",
        { Plan: not null, Mode: PatchMode.DryRun } => "a dry run makes a plan, it cannot be held to one",
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

    /// <summary>Why the container may not be patched, now or later; null when it may.</summary>
    /// <param name="vmid">The container.</param>
    /// <param name="conf">Its file's text on this node; null when there is none.</param>
    public static string? Refusal(Vmid vmid, string? conf) => conf is null
        ? $"container {vmid} is not on this node"
        : GuestConf.Parse(GuestType.Lxc, conf) is { Template: true } ? "container is a template" : null;

    /// <summary>Why the VM may not be patched, and who holds it; both null when it may be.</summary>
    public static (string? Refusal, string? Lock) OfVm(Vmid vmid, GuestConfFile? file) =>
        file is not { Type: GuestType.Qemu } ? ($"VM {vmid} is not on this node", null) : GuestConf.Parse(GuestType.Qemu, file.Text) switch
        {
            { Template: true } => ("VM is a template", null),
            { OsType: { } os } when os.StartsWith('w') => ($"VM runs Windows (ostype {PlainText.Of(os, 40)}), which is not patched from outside", null),
            { Lock: { } held } => (null, $"VM is locked ({PlainText.Of(held, 40)})"),
            _ => (null, null),
        };

    /// <summary>Who holds the container; null when nobody does. A template's lock does not matter: it is never patched.</summary>
    public static string? LockOf(string? conf) => conf is not null && GuestConf.Parse(GuestType.Lxc, conf) is { Lock: { } held, Template: false }
        ? $"container is locked ({PlainText.Of(held, 40)})"
        : null;

    /// <summary>
    /// The whole command: for a container one <c>pct exec</c>; the script on its standard input, a clean environment, an end of its own. For a VM
    /// it is what <see cref="VmRun.Start"/> runs, with the script in a file.
    /// </summary>
    /// <param name="job">The job.</param>
    /// <param name="isHost">Whether this machine is a Proxmox VE host.</param>
    public static IReadOnlyList<string> Command(PatchJob job, bool isHost)
    {
        List<string> command = job is PatchGuest { Vmid: var vmid } ? ["pct", "exec", vmid.ToString(), "--"] : [];
        command.AddRange(
        [
            "env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LANG=C.UTF-8",
            "timeout", "-k", "10", job.TimeoutSeconds.ToString(CultureInfo.InvariantCulture),
            "sh",
        ]);
        command.AddRange(job is PatchVm ? ["script"] : ["-s", "--"]);
        if (job.Target is null && isHost)
        {
            command.Add("--host");
        }

        if (job.Mode is PatchMode.DryRun)
        {
            command.Add("--dry-run");
        }

        if (job.SecurityOnly)
        {
            command.Add("--security-only");
        }

        if (job.Autoremove)
        {
            command.Add("--autoremove");
        }

        if (job.Plan is not null)
        {
            command.AddRange(["--plan", job.Plan]);
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
