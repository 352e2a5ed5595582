using System.Globalization;
using System.Text;

namespace NannyOrleans.Lab.Cluster;

/// <summary>The files pmxcfs and corosync make up, byte for byte as pmxcfs 9.1 prints them.</summary>
public static class PmxcfsFiles
{
    /// <summary><c>.members</c> as <paramref name="seer"/> shows it. A standalone host has no cluster object.</summary>
    public static string Members(LabPlan plan, HostState seer, IReadOnlyCollection<HostState> all, Qdevice qdevice = default)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{{\n\"nodename\": \"{seer.Name}\",\n");
        if (!plan.IsClustered)
        {
            return text.Append(CultureInfo.InvariantCulture, $"\"version\": {seer.MembersVersion}\n}}\n").ToString();
        }

        var quorate = Membership.IsQuorate(seer, all, qdevice) ? 1 : 0;
        text.Append(CultureInfo.InvariantCulture, $"\"version\": {seer.MembersVersion},\n");
        text.Append(CultureInfo.InvariantCulture,
            $"\"cluster\": {{ \"name\": \"{LabPlan.ClusterName}\", \"version\": {plan.Hosts.Count}, \"nodes\": {plan.Hosts.Count}, \"quorate\": {quorate} }},\n");
        text.Append("\"nodelist\": {\n");
        text.AppendJoin(",\n", plan.Hosts.Select(host =>
        {
            var online = Membership.SeesOnline(seer, all.Single(h => h.Name == host.Name)) ? 1 : 0;
            return string.Create(CultureInfo.InvariantCulture,
                $"  \"{host.Name}\": {{ \"id\": {host.Id}, \"online\": {online}, \"ip\": \"{host.Ip}\"}}");
        }));
        return text.Append("\n  }\n}\n").ToString();
    }

    /// <summary><c>.vmlist</c>. The order is free on a real host; here it is the vmids'.</summary>
    public static string VmList(VmList list)
    {
        var text = new StringBuilder();
        if (list.Entries.Count is 0)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{{\n\"version\": {list.Version}\n\n}}\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"{{\n\"version\": {list.Version},\n\"ids\": {{\n");
        text.AppendJoin(",\n", list.Entries.Select(e => string.Create(CultureInfo.InvariantCulture,
            $"\"{e.Vmid}\": {{ \"node\": \"{e.Node}\", \"type\": \"{e.Kind}\", \"version\": {e.Version} }}")));
        return text.Append("}\n\n}\n").ToString();
    }

    /// <summary><c>corosync.conf</c> in the order and indent `pvecm` writes.</summary>
    public static string CorosyncConf(LabPlan plan)
    {
        var nodes = string.Concat(plan.Hosts.OrderBy(h => h.Name, StringComparer.Ordinal).Select(h => string.Create(CultureInfo.InvariantCulture,
            $"  node {{\n    name: {h.Name}\n    nodeid: {h.Id}\n    quorum_votes: {h.Votes}\n    ring0_addr: {h.Ip}\n  }}\n")));
        // An even number of nodes takes ffsplit and one vote; an odd one lms, which writes no votes and means all but one.
        var device = plan.QdeviceIp is null ? "" : $"  device {{\n    model: net\n    net {{\n      algorithm: {(plan.Hosts.Count % 2 is 0 ? "ffsplit" : "lms")}\n      host: {plan.QdeviceIp}\n      tls: on\n    }}\n{(plan.Hosts.Count % 2 is 0 ? "    votes: 1\n" : "")}  }}\n";
        return $$"""
            logging {
              debug: off
              to_syslog: yes
            }

            nodelist {
            {{nodes}}}

            quorum {
            {{device}}  provider: corosync_votequorum
            }

            totem {
              cluster_name: {{LabPlan.ClusterName}}
              config_version: {{plan.Hosts.Count}}
              interface {
                linknumber: 0
              }
              ip_version: ipv4-6
              link_mode: passive
              secauth: on
              version: 2
            }


            """;
    }
}
