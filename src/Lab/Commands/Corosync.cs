using System.Globalization;
using System.Text;
using NannyOrleans.Lab.Cluster;

namespace NannyOrleans.Lab.Commands;

/// <summary>`pvecm status|nodes` and the `corosync-quorumtool` both end in.</summary>
internal sealed class Corosync(LabHost host)
{
    private const int NotQuorate = 2;

    /// <summary>`pvecm`: what it adds is the cluster's own block, and its refusal on a standalone host.</summary>
    public Answer Pvecm(IReadOnlyList<string> words)
    {
        if (words is not ["status"] and not ["nodes"])
        {
            return words.Count is 0
                ? new Answer.Ends(255, "", "ERROR: no command specified\nUSAGE: pvecm <COMMAND> [ARGS] [OPTIONS]\n")
                : Answer.Dies(255, $"nanny-lab: `pvecm {words[0]}` is not in this lab");
        }

        if (!host.Plan.IsClustered) { return Answer.Dies(2, "Error: Corosync config '/etc/pve/corosync.conf' does not exist - is this node part of a cluster?"); }
        if (words is ["nodes"]) { return Answer.Says("\n" + Membership(names: true)); }
        return new Answer.Ends(host.IsQuorate ? 0 : NotQuorate, string.Create(CultureInfo.InvariantCulture, $"""
            Cluster information
            -------------------
            Name:             {LabPlan.ClusterName}
            Config Version:   {host.Plan.Hosts.Count}
            Transport:        knet
            Secure auth:      on


            """) + Status(hex: true, names: false));
    }

    /// <summary>`corosync-quorumtool -s`, with `-i` addresses for names and `-H` ids as hexadecimal numbers. It needs no pmxcfs.</summary>
    public Answer QuorumTool(IReadOnlyList<string> words)
    {
        var letters = string.Concat(words.Select(w => w.TrimStart('-')));
        if (letters.Length is 0 || letters.Any(c => c is not ('s' or 'i' or 'H'))) { return Answer.Dies(255, $"nanny-lab: `corosync-quorumtool {string.Join(' ', words)}` is not in this lab"); }
        if (!host.Plan.IsClustered) { return Answer.Dies(1, "Cannot initialize CMAP service"); }
        return new Answer.Ends(host.IsQuorate ? 0 : NotQuorate, Status(letters.Contains('H', StringComparison.Ordinal), names: !letters.Contains('i', StringComparison.Ordinal)));
    }

    /// <summary>The members this host sees, itself among them.</summary>
    private IEnumerable<HostState> Here => host.All.Where(h => Cluster.Membership.Reaches(host.State, h));

    private string Status(bool hex, bool names)
    {
        var qdevice = host.Directory.Qdevice(host.Plan);
        var expected = Cluster.Membership.Expected(host.All, qdevice);
        var now = DateTime.Now;
        return string.Create(CultureInfo.InvariantCulture, $"""
            Quorum information
            ------------------
            Date:             {now:ddd MMM} {now.Day,2} {now:HH:mm:ss yyyy}
            Quorum provider:  corosync_votequorum
            Nodes:            {Here.Count()}
            Node ID:          {Id(IdOf(host.Name), hex)}
            Ring ID:          {Here.Min(h => IdOf(h.Name)):x}.{host.State.MembersVersion + 5:x}
            Quorate:          {(host.IsQuorate ? "Yes" : "No")}

            Votequorum information
            ----------------------
            Expected votes:   {expected}
            Highest expected: {expected}
            Total votes:      {Cluster.Membership.Votes(host.State, host.All, qdevice)}
            Quorum:           {Quorum.Needed(expected)} {(host.IsQuorate ? " " : "Activity blocked")}
            Flags:            {(host.IsQuorate ? "Quorate " : "")}{(qdevice.Votes > 0 ? "Qdevice " : "")}


            """) + Membership(names, hex);
    }

    private string Membership(bool names, bool hex = false)
    {
        var qdevice = host.Directory.Qdevice(host.Plan);
        var casts = qdevice.IsCasting && host.State.Island.Length is 0;
        var text = new StringBuilder("Membership information\n----------------------\n");
        text.Append(qdevice.Votes > 0 ? "    Nodeid      Votes    Qdevice Name\n" : "    Nodeid      Votes Name\n");
        foreach (var member in Here)
        {
            var planned = host.Plan.Hosts.Single(h => h.Name == member.Name);
            text.Append(CultureInfo.InvariantCulture, $"{Id(planned.Id, hex),10} {planned.Votes,10} ");
            if (qdevice.Votes > 0) { text.Append(CultureInfo.InvariantCulture, $"{(casts ? "A,V,NMW" : "NA,NV,NMW"),10} "); }
            text.Append(names ? planned.Name : planned.Ip).Append(member.Name == host.Name ? " (local)\n" : "\n");
        }

        if (qdevice.Votes > 0)
        {
            var silent = casts ? "" : string.Create(CultureInfo.InvariantCulture, $" (votes {qdevice.Votes})");
            text.Append(CultureInfo.InvariantCulture, $"{Id(0, hex),10} {(casts ? qdevice.Votes : 0),10}            Qdevice").Append(silent).Append('\n');
        }

        return text.ToString();
    }

    private int IdOf(string name) => host.Plan.Hosts.Single(h => h.Name == name).Id;

    private static string Id(int id, bool hex) => (hex ? "0x" : "") + id.ToString(hex ? "x8" : "d", CultureInfo.InvariantCulture);
}
