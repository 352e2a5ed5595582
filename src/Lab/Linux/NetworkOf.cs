using System.Text.Json.Nodes;
using CliWrap;
using CliWrap.Buffered;

namespace NannyOrleans.Lab.Linux;

/// <summary>One interface of a network name space.</summary>
internal sealed record InterfaceSeen(string Name, string Address, IReadOnlyList<(string Ip, int Prefix, bool IsV6)> Ips);

/// <summary>The interfaces a process sees, asked as Proxmox VE asks: with `ip` in its name space.</summary>
internal static class NetworkOf
{
    public static IReadOnlyList<InterfaceSeen> Process(int pid)
    {
        var asked = Cli.Wrap(Programs.Need("nsenter", "util-linux")).WithArguments(["-t", $"{pid}", "-n", Programs.Need("ip", "iproute2"), "-j", "addr"])
            .WithValidation(CommandResultValidation.None).ExecuteBufferedAsync().Task.GetAwaiter().GetResult();
        if (asked.ExitCode is not 0) { throw new LabFailure($"cannot look into the network of process {pid}: {asked.StandardError.Trim()}"); }
        return JsonNode.Parse(asked.StandardOutput)!.AsArray().Select(link => new InterfaceSeen(
            (string)link!["ifname"]!, (string?)link["address"] ?? "00:00:00:00:00:00",
            link["addr_info"]!.AsArray().Select(a => ((string)a!["local"]!, (int)a["prefixlen"]!, (string)a["family"]! is "inet6")).ToList())).ToList();
    }
}
