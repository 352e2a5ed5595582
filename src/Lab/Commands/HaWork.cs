using System.Globalization;
using NannyOrleans.Lab.Cluster;
using NannyOrleans.Lab.Guests;

namespace NannyOrleans.Lab.Commands;

/// <summary>What a host's LRM does with one service: a process of its own, as its workers are.</summary>
internal sealed class HaWork(LabHost host)
{
    /// <summary>Does <c>start SID</c>, <c>stop SID</c> or <c>move SID NODE</c>; 0 when it is done.</summary>
    public Answer Run(IReadOnlyList<string> words)
    {
        var (sid, vmid) = (words[1], int.Parse(words[1][3..], CultureInfo.InvariantCulture));
        var isContainer = sid.StartsWith("ct:", StringComparison.Ordinal);
        var answer = words[0] switch
        {
            "start" => isContainer ? new Pct(host).StartHere(vmid) : StartMachine(vmid),
            "stop" => isContainer ? new Pct(host).StopHere(vmid) : StopMachine(vmid),
            "move" => Move(vmid, isContainer, words[2]),
            _ => throw new InvalidOperationException(words[0]),
        };
        // The power went while it started: nothing runs on a host that is off.
        if (words[0] is "start" && !IsStillUp()) { new PlacedGuests(host.Directory, host.Plan).Kill(vmid); }
        new ClusterFiles(host.Directory, host.Plan).Publish();
        return answer;
    }

    /// <summary>A VM moves while it runs. A container is stopped, moved, and started by the LRM over there.</summary>
    private Answer Move(int vmid, bool isContainer, string target)
    {
        if (isContainer && new Pct(host).StopHere(vmid) is Answer.Ends { Code: not 0 } stuck) { return stuck; }
        return new Migration(host, vmid, isContainer, new(target, IsOnline: !isContainer, IsRestart: false, WithLocalDisks: true, TimeSpan.Zero)).Run();
    }

    private Answer StartMachine(int vmid)
    {
        var warnings = "";
        if (host.Conf("qemu-server", vmid, ref warnings) is not { } conf) { return host.Missing("qemu-server", vmid, 255); }
        if (conf["lock"] is { } why) { return Answer.Dies(255, $"VM is locked ({why})"); }
        new VirtualMachines(host.Directory, host.Plan).Start(host.Name, vmid, conf);
        return new Answer.Ends(0);
    }

    private Answer StopMachine(int vmid)
    {
        new VirtualMachines(host.Directory, host.Plan).Kill(vmid);
        return new Answer.Ends(0);
    }

    private bool IsStillUp()
    {
        var now = host.Directory.ReadHosts(host.Plan).Single(h => h.Name == host.Name);
        return now.IsOn && now.BootId == host.State.BootId;
    }
}
