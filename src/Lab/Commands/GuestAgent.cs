using System.Text.Json.Nodes;
using NannyOrleans.Lab.Guests;

namespace NannyOrleans.Lab.Commands;

/// <summary>Answers of the agent inside a VM of a lab.</summary>
internal static class GuestAgent
{
    public static JsonNode OsInfo(GuestConf conf) => conf["ostype"]?.StartsWith("win", StringComparison.Ordinal) is true
        ? PerlJson.Object(
            ("id", "mswindows"), ("kernel-release", "26100"), ("kernel-version", "10.0"), ("machine", "x86_64"), ("name", "Microsoft Windows"),
            ("pretty-name", "Windows Server 2025 Standard"), ("variant", "server"), ("variant-id", "server"),
            ("version", "Microsoft Windows Server 2025"), ("version-id", "2025"))
        : PerlJson.Object(
            ("id", "ubuntu"), ("kernel-release", "6.8.0-79-generic"), ("kernel-version", "#79-Ubuntu SMP PREEMPT_DYNAMIC"),
            ("machine", "x86_64"), ("name", "Ubuntu"), ("pretty-name", "Ubuntu 24.04.3 LTS"), ("version", "24.04.3 LTS (Noble Numbat)"),
            ("version-id", "24.04"));

    /// <summary>Loopback first, then one interface for each of the conf: here addresses are <c>ipv4</c>, where a container's say <c>inet</c>.</summary>
    public static JsonNode Interfaces(int vmid, GuestConf conf)
    {
        var list = new JsonArray(Interface("lo", "00:00:00:00:00:00", [("127.0.0.1", "ipv4", 8), ("::1", "ipv6", 128)]));
        var number = 0;
        foreach (var net in conf.Keys.Where(k => k.Key.StartsWith("net", StringComparison.Ordinal)).OrderBy(k => k.Key, StringComparer.Ordinal))
        {
            var address = net.Value.Split(',')[0].Split('=').ElementAtOrDefault(1) ?? "00:00:00:00:00:00";
            list.Add((JsonNode)Interface($"ens{18 + number}", address.ToLowerInvariant(), [($"10.99.{200 + number}.{vmid % 256}", "ipv4", 24), ($"fd00:99::{vmid:x}", "ipv6", 64)]));
            number++;
        }

        return list;
    }

    private static JsonObject Interface(string name, string address, (string Ip, string Type, int Prefix)[] addresses) => PerlJson.Object(
        ("hardware-address", address),
        ("ip-addresses", new JsonArray([.. addresses.Select(a => PerlJson.Object(("ip-address", a.Ip), ("ip-address-type", a.Type), ("prefix", a.Prefix)))])),
        ("name", name),
        ("statistics", PerlJson.Object(
    ("rx-bytes", 0), ("rx-dropped", 0), ("rx-errs", 0), ("rx-packets", 0), ("tx-bytes", 0), ("tx-dropped", 0), ("tx-errs", 0),
    ("tx-packets", 0))));
}
