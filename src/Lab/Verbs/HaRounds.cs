using System.Diagnostics;
using NannyOrleans.Lab.Cluster;
using NannyOrleans.Lab.Ha;
using NannyOrleans.Lab.Hosts;

namespace NannyOrleans.Lab.Verbs;

/// <summary>HA's rounds in time, and what they ask for as processes. What is under way is not asked for again.</summary>
internal sealed class HaRounds(LabDirectory directory, Action<string> say)
{
    private readonly HaModel model = new();
    private readonly Dictionary<string, (HaEffect Effect, Process Process)> underWay = [];
    private long next;

    /// <summary>Plays a round if it is time for one.</summary>
    public void Turn(LabPlan plan)
    {
        if (Environment.TickCount64 < next) { return; }
        next = Environment.TickCount64 + (long)plan.HaRound.TotalMilliseconds;
        foreach (var (key, (effect, process)) in underWay.Where(w => w.Value.Process.HasExited).ToList())
        {
            if (effect.Kind is "start") { model.Ended(effect.Sid, process.ExitCode is 0); }
            if (process.ExitCode is not 0) { say($"{effect.Kind} {effect.Sid} on {effect.Node} ended with {process.ExitCode}"); }
            process.Dispose();
            underWay.Remove(key);
        }

        foreach (var effect in new ClusterFiles(directory, plan).HaRound(model, underWay.ContainsKey)) { Do(plan, effect); }
    }

    private void Do(LabPlan plan, HaEffect effect)
    {
        var key = effect.Sid.Length > 0 ? effect.Sid : effect.Node;
        if (underWay.ContainsKey(key)) { return; }
        say($"{effect.Kind} {effect.Sid} {effect.Node} {effect.Target}");
        switch (effect.Kind)
        {
            case "recover":
                Recover(plan, effect);
                break;
            case "fence":
                underWay[key] = (effect, HostRoot.Spawn(directory, effect.Node, "@background", "fence", directory.ReadHosts(plan).Single(h => h.Name == effect.Node).BootId));
                break;
            default:
                underWay[key] = (effect, HostRoot.Spawn(directory, effect.Node, "@background", "ha", effect.Kind, effect.Sid, effect.Target));
                break;
        }
    }

    /// <summary>Takes the conf of a guest away from a node that is down: its new node starts it.</summary>
    private void Recover(LabPlan plan, HaEffect effect)
    {
        var hosts = directory.ReadHosts(plan);
        if (hosts.FirstOrDefault(h => h.HasPmxcfs && Membership.IsQuorate(h, hosts, directory.Qdevice(plan))) is not { } writer) { return; }
        var folder = effect.Sid.StartsWith("ct:", StringComparison.Ordinal) ? "lxc" : "qemu-server";
        new ClusterFiles(directory, plan).Move(writer.Name, $"nodes/{effect.Node}/{folder}/{effect.Sid[3..]}.conf", $"nodes/{effect.Target}/{folder}/{effect.Sid[3..]}.conf");
    }
}
