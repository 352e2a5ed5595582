using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;
using static NannyOrleans.Agent.Diagnoses.Verdicts;

namespace NannyOrleans.Agent.Diagnoses;

/// <summary>What is concluded from what was seen of a container. What was not seen is unknown, never well.</summary>
internal static class ContainerChecks
{
    /// <summary>All checks, in the order in which they explain each other.</summary>
    public static IReadOnlyList<Check> Of(Vmid vmid, ContainerSeen seen, string? expectedFamily) =>
    [
        Ok("node", $"container {vmid} is on this node"),
        Status(vmid, seen.Process, "container", "pct"),
        Template(vmid, seen.Conf, "container"),
        Lock(vmid, seen.Conf, seen.Tasks, "container", "pct"),
        ExecAsRoot(vmid, seen),
        .. InsideChecks.Of(seen.Look, WhyNot(seen), seen.Conf.OsType, expectedFamily),
    ];

    /// <summary>Whether it runs.</summary>
    public static Check Status(Vmid vmid, GuestProcess process, string what, string program) => process.Status switch
    {
        GuestStatus.Running => Ok("status", $"the {what} runs"),
        GuestStatus.Stopped => Problem("status", $"the {what} is stopped", $"Start it ({program} start {vmid}), or ask for the patch with start_stopped."),
        _ => Unknown("status", $"cannot tell whether the {what} runs: {process.Problem ?? "its state is not known"}"),
    };

    /// <summary>Whether it is a template.</summary>
    public static Check Template(Vmid vmid, GuestConf conf, string what) => conf.Template
        ? Problem("template", $"the {what} is a template, which never runs", "Patch what it was made from and make a new template, or exclude it from patching.")
        : Ok("template", "it is no template");

    /// <summary>Whether something holds it.</summary>
    public static Check Lock(Vmid vmid, GuestConf conf, IReadOnlyList<string> tasks, string what, string program) => (conf.Lock, tasks) switch
    {
        ({ } held, [var task, ..]) => Problem("lock", $"the {what} is locked ({held}) by a task that runs: {task}", "Wait until the task has ended; nothing else is needed."),
        ({ } held, []) => Problem("lock", $"the {what} is locked ({held}), and no running task of this node works on it",
            $"Look at the node's task log whether it still works, here or on another node. If nothing does, an interrupted task left it behind: {program} unlock {vmid}"),
        (null, [var task, ..]) => Warning("lock", $"a task works on the {what}: {task}", "Wait until the task has ended."),
        _ => Ok("lock", "nothing holds it"),
    };

    private static Check ExecAsRoot(Vmid vmid, ContainerSeen seen) => seen switch
    {
        { Process.Status: GuestStatus.Stopped } => Unknown("exec-as-root", "the container does not run"),
        { ExecProblem: { } problem } => Problem("exec-as-root", $"no command can be run in it: {problem}",
            $"Try it on the host: pct exec {vmid} -- id -u. A container that hangs or is full may need a restart; while pmxcfs (service pve-cluster) is down, pct works nowhere."),
        { Uid: "0" } => Ok("exec-as-root", "commands run in it as root"),
        { Uid: { } other } => Problem("exec-as-root", $"id -u printed '{PlainText.Of(other, 80)}' in it, not 0", "The container's id program or its entry does something else; look at it by hand."),
        _ => Unknown("exec-as-root", "it was not asked"),
    };

    private static string? WhyNot(ContainerSeen seen) => seen switch
    {
        { Process.Status: not GuestStatus.Running } => "the container does not run",
        { ExecProblem: not null } => "no command can be run in the container",
        _ => null,
    };
}
