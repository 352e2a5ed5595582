using System.Globalization;
using System.Text;
using NannyOrleans.Lab.Linux;

namespace NannyOrleans.Lab.Guests;

/// <summary>How much of its network a container gets: all, or what this machine still has when something stands in the way.</summary>
internal enum ContainerNetwork
{
    /// <summary>Pairs named as Proxmox VE names them: <c>veth100i0</c> on the host's side.</summary>
    Named,

    /// <summary>The same with any name: another lab on this machine has a guest of the same id.</summary>
    Unnamed,

    /// <summary>None but the loopback interface: this kernel has no veth.</summary>
    Loopback,
}

/// <summary>The file LXC starts a container from, made anew at each start from the guest's conf as Proxmox VE does.</summary>
internal static class ContainerConfig
{
    public static string Generate(LabDirectory directory, int vmid, GuestConf conf, ContainerNetwork network)
    {
        var container = directory.Container(vmid);
        // TERM as in the configuration Proxmox VE generates: `pct exec --keep-env 0` shows it.
        var text = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"""
            lxc.uts.name = {conf["hostname"] ?? $"CT{vmid}"}
            lxc.rootfs.path = overlay:{File.ReadAllText($"{container}/base")}:{container}/upper
            lxc.apparmor.profile = unconfined
            lxc.mount.auto = proc:mixed sys:mixed
            lxc.cgroup.dir.container = {directory.Tag}/lxc/{vmid}
            lxc.cgroup.dir.container.inner = ns
            lxc.cgroup.dir.monitor = {directory.Tag}/lxc.monitor/{vmid}
            lxc.pty.max = 1024
            lxc.environment = TERM=linux
            lxc.init.cmd = /usr/bin/tini -- /bin/sleep infinity

            """));
        if (ControlGroups.MemoryLimitKey is { } key && int.TryParse(conf["memory"], CultureInfo.InvariantCulture, out var mib))
        {
            text.Append(CultureInfo.InvariantCulture, $"{key} = {mib}M\n");
        }

        var interfaces = network is ContainerNetwork.Loopback ? [] : Interfaces(conf).ToList();
        if (interfaces.Count is 0) { text.Append("lxc.net.0.type = empty\n"); }
        foreach (var (name, value) in interfaces) { Interface(text, vmid, name["net".Length..], GuestConf.SubKeys(value), network); }
        return text.ToString();
    }

    /// <summary>Whether this machine already has an interface of one of the names: most likely another lab's guest of the same id.</summary>
    public static bool NamesTaken(int vmid, GuestConf conf) =>
        Interfaces(conf).Any(net => Path.Exists($"/sys/class/net/veth{vmid}i{net.Key["net".Length..]}"));

    private static IEnumerable<KeyValuePair<string, string>> Interfaces(GuestConf conf) =>
        conf.Keys.Where(k => k.Key.StartsWith("net", StringComparison.Ordinal));

    /// <summary>No bridge: nothing answers at the other end. An address that DHCP would give stays out.</summary>
    private static void Interface(StringBuilder text, int vmid, string index, IReadOnlyDictionary<string, string> keys, ContainerNetwork network)
    {
        text.Append(CultureInfo.InvariantCulture, $"lxc.net.{index}.type = veth\nlxc.net.{index}.flags = up\nlxc.net.{index}.name = {keys.GetValueOrDefault("name", $"eth{index}")}\n");
        // On the host's side nobody speaks IPv6. Otherwise it gets an address there, and a browser on this machine breaks off what it loads whenever addresses change.
        text.Append(CultureInfo.InvariantCulture, $"lxc.net.{index}.script.up = sh -c 'echo 1 2>/dev/null >\"/proc/sys/net/ipv6/conf/$4/disable_ipv6\"; :'\n");
        if (network is ContainerNetwork.Named) { text.Append(CultureInfo.InvariantCulture, $"lxc.net.{index}.veth.pair = veth{vmid}i{index}\n"); }
        if (keys.TryGetValue("hwaddr", out var address)) { text.Append(CultureInfo.InvariantCulture, $"lxc.net.{index}.hwaddr = {address}\n"); }
        foreach (var (key, setting) in new[] { ("ip", "ipv4.address"), ("ip6", "ipv6.address") })
        {
            if (keys.TryGetValue(key, out var ip) && ip.Contains('/', StringComparison.Ordinal)) { text.Append(CultureInfo.InvariantCulture, $"lxc.net.{index}.{setting} = {ip}\n"); }
        }

        if (keys.TryGetValue("gw", out var gateway)) { text.Append(CultureInfo.InvariantCulture, $"lxc.net.{index}.ipv4.gateway = {gateway}\n"); }
    }
}
