using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;
using static NannyOrleans.Agent.Diagnoses.Verdicts;

namespace NannyOrleans.Agent.Diagnoses;

/// <summary>What is concluded from what was seen of a VM: only its own agent knows what is in it.</summary>
internal static class VmChecks
{
    /// <summary>All checks.</summary>
    /// <param name="vmid">The VM.</param>
    /// <param name="conf">Its configuration.</param>
    /// <param name="process">Whether it runs.</param>
    /// <param name="tasks">Running tasks that work on it.</param>
    /// <param name="answers">Whether its guest agent answers; null when it was not asked.</param>
    /// <param name="problem">Why it does not answer.</param>
    public static IReadOnlyList<Check> Of(Vmid vmid, GuestConf conf, GuestProcess process, IReadOnlyList<string> tasks, bool? answers, string? problem) =>
    [
        Ok("node", $"VM {vmid} is on this node"),
        ContainerChecks.Status(vmid, process, "VM", "qm"),
        ContainerChecks.Template(vmid, conf, "VM"),
        ContainerChecks.Lock(vmid, conf, tasks, "VM", "qm"),
        GuestAgent(vmid, conf, process, answers, problem),
        Unknown("inside", "the host does not look into a VM", "Install nannyagent in the VM: it patches the VM and can be asked there (nannyagent doctor)."),
    ];

    private static Check GuestAgent(Vmid vmid, GuestConf conf, GuestProcess process, bool? answers, string? problem) => (conf.QemuAgent, process.Status, answers) switch
    {
        (not true, _, _) => Warning("guest-agent", "the QEMU guest agent is not switched on in the VM's configuration",
            $"Install nannyagent in the VM, which needs no guest agent. Else: qm set {vmid} --agent 1, install qemu-guest-agent in it, stop and start the VM."),
        (_, not GuestStatus.Running, _) => Unknown("guest-agent", "the VM does not run"),
        (_, _, true) => Ok("guest-agent", "the QEMU guest agent answers"),
        (_, _, false) => Warning("guest-agent", $"the QEMU guest agent does not answer: {problem ?? "it gave no reason"}",
            "Install and start qemu-guest-agent in the VM, or nannyagent, which needs none. After a boot it may take two minutes."),
        _ => Unknown("guest-agent", problem ?? "it was not asked"),
    };
}
