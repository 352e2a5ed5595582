using System.Globalization;
using NannyOrleans.Agent.Journal;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Jobs;

/// <summary>What a guest's reboot must satisfy before it is begun, and how it is seen to have ended.</summary>
internal static class GuestRebootChecks
{
    /// <summary>Why the job itself is not acceptable; null when it is.</summary>
    public static string? Refusal(RebootGuest job) => job switch
    {
        { Vmid.Value: < Vmid.Smallest or > Vmid.Largest } => $"{job.Vmid} is not a vmid",
        { TimeoutSeconds: < 1 or > 86400 } => $"a timeout of {job.TimeoutSeconds.ToString(CultureInfo.InvariantCulture)} s is not from 1 to 86400",
        { WaitSeconds: < 0 or > 86400 } => $"a wait of {job.WaitSeconds.ToString(CultureInfo.InvariantCulture)} s is not from 0 to 86400",
        _ => null,
    };

    /// <summary>
    /// Why the guest may not be restarted now; both null when it may. A lock may go: Proxmox VE's own <c>reboot</c> does not look at it, stops the
    /// guest and then cannot start it.
    /// </summary>
    public static (string? Refusal, string? Lock) Of(Vmid vmid, GuestConfFile? file, GuestProcess? process)
    {
        if (file is null)
        {
            return ($"guest {vmid} is not on this node", null);
        }

        var (conf, what) = (GuestConf.Parse(file.Type, file.Text), Word(file.Type));
        return (conf, process) switch
        {
            ({ Template: true }, _) => ($"{what} is a template", null),
            ({ Lock: { } held }, _) => (null, $"{what} is locked ({PlainText.Of(held, 40)})"),
            (_, { Status: GuestStatus.Running, First: not null }) => (null, null),
            (_, { Status: GuestStatus.Stopped }) => ($"{what} is not running", null),
            _ => ($"cannot tell whether {what} {vmid} runs: {PlainText.Of(process?.Problem ?? "it was not asked")}", null),
        };
    }

    /// <summary>The command. Half of the time is for the clean stop, the other half for coming back.</summary>
    public static IReadOnlyList<string> Command(RebootGuest job, GuestType type) =>
        [type is GuestType.Lxc ? "pct" : "qm", "reboot", job.Vmid.ToString(), "--timeout", Math.Max(1, job.TimeoutSeconds / 2).ToString(CultureInfo.InvariantCulture)];

    /// <summary>Container or VM, in a person's words.</summary>
    public static string Word(GuestType type) => type is GuestType.Lxc ? "container" : "VM";

    /// <summary>How it has ended; null while it has not.</summary>
    public static SeenEnd? Of(GuestRebootSeen seen)
    {
        // Under another boot of the host every process is another one, whatever its number.
        var anew = seen.Guest is { Status: GuestStatus.Running, First: { } now } && (seen.AnotherBoot || now != seen.Before);
        return seen switch
        {
            { ExitCode: { } code and not 0, AnotherBoot: false } =>
                new(JobOutcome.Failed, $"{seen.Program} reboot: exit code {code.ToString(CultureInfo.InvariantCulture)}: {Words(seen.Error)}{(anew ? "; the guest did start anew" : string.Empty)}"),
            _ when anew && (seen.ExitCode is 0 || !seen.CommandRuns || seen.IsLate) => new(JobOutcome.Succeeded, seen.AnotherBoot ? "the host itself was restarted meanwhile" : null),
            { IsLate: true } => new(JobOutcome.Failed, $"timeout: {Late(seen)}"),
            _ => null, // a guest that has a new first process while the command still works on it may yet fail to start
        };
    }

    private static string Late(GuestRebootSeen seen) => seen.Guest switch
    {
        { Status: GuestStatus.Stopped } => "the guest is stopped and has not come back",
        { Status: GuestStatus.Running, First: not null } => "the guest still runs and has not been restarted",
        var guest => $"cannot tell whether the guest came back: {PlainText.Of(guest.Problem ?? "its state is not known")}",
    };

    private static string Words(string error) => PlainText.Of(error.Trim() is { Length: > 0 } some ? some : "it said nothing");
}

/// <summary>How a job is seen to have ended.</summary>
internal sealed record SeenEnd(JobOutcome Outcome, string? Detail);

/// <summary>One look at a guest that is being restarted.</summary>
/// <param name="Program">pct or qm.</param>
/// <param name="Before">Its first process as it was.</param>
/// <param name="Guest">As it is.</param>
/// <param name="ExitCode">The command's; null while there is none, or when it is lost.</param>
/// <param name="Error">What the command wrote to standard error.</param>
/// <param name="CommandRuns">Whether the command still runs.</param>
/// <param name="AnotherBoot">Whether the host was restarted since.</param>
/// <param name="IsLate">Whether the deadline has passed.</param>
internal sealed record GuestRebootSeen(
    string Program, FirstProcess? Before, GuestProcess Guest, int? ExitCode, string Error, bool CommandRuns, bool AnotherBoot, bool IsLate);
