using System.Diagnostics;
using System.Globalization;

namespace NannyOrleans.Bench.Patch;

/// <summary>The other ways to patch many containers of one host.</summary>
internal sealed class Contenders(LabHost host, string directory, int atOnce)
{
    /// <summary>The upgrade as all of them do it, our script's options to dpkg included. No quotes inside: it goes through several shells.</summary>
    private const string Upgrade =
        "apt-get -q update && apt-get -q -y -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold dist-upgrade";

    private const string Clean = "env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive";

    // The system's own: the lab's stands before it on the search path and is a script that looks where the container is.
    private const string Attach = "/usr/bin/lxc-attach -P \"$LXC\"";

    /// <summary>As the community's update scripts do it: one after the other.</summary>
    public Task Sequential(int[] ids) => Shell.Run($"for id in {Words(ids)}; do pct exec $id -- {Clean} sh -c '{Upgrade}' || exit 1; done", host);

    /// <summary>The least there can be: nothing but the work, side by side.</summary>
    public Task Bare(int[] ids) =>
        Shell.Run($"printf '%s\\n' {Words(ids)} | xargs -P {atOnce} -I % {Attach} -n % -- {Clean} sh -c '{Upgrade}'", host);

    /// <summary>Ansible with its <c>raw</c>.</summary>
    public Task AnsibleRaw(int[] ids) => Ansible(ids, "raw");

    /// <summary>Ansible with its module <c>command</c>.</summary>
    public Task AnsibleCommand(int[] ids) => Ansible(ids, "command");

    /// <summary>The first line of what it says of itself.</summary>
    public async Task<string> AnsibleVersion() => (await Shell.Run("ansible-playbook --version", host)).Split('\n')[0];

    /// <summary>What one call of pct takes in the lab when it does nothing.</summary>
    public async Task<double> PctSeconds()
    {
        var times = new List<double>();
        for (var turn = 0; turn < 5; turn++)
        {
            var began = Stopwatch.GetTimestamp();
            await Shell.Run("pct exec 100 -- true", host);
            times.Add(Stopwatch.GetElapsedTime(began).TotalSeconds);
        }

        return Figures.Median(times);
    }

    private async Task Ansible(int[] ids, string module)
    {
        var (inventory, playbook, configuration) = (Path.Combine(directory, "hosts"), Path.Combine(directory, "playbook.yml"), Path.Combine(directory, "ansible.cfg"));
        await File.WriteAllLinesAsync(inventory, ids.Select(Text));
        await File.WriteAllTextAsync(configuration, "[defaults]\n"); // not the machine's own, if it has one
        await File.WriteAllTextAsync(playbook,
            $"""
            - hosts: all
              connection: local
              gather_facts: false
              tasks:
                - {module}: /usr/bin/lxc-attach -P {host.LxcPath} -n {"{{ inventory_hostname }}"} -- {Clean} sh -c '{Upgrade}'

            """);
        await Shell.Run($"ansible-playbook -i '{inventory}' -f {atOnce} '{playbook}'", host, ("ANSIBLE_CONFIG", configuration), ("HOME", directory));
    }

    private static string Words(int[] ids) => string.Join(' ', ids.Select(Text));

    private static string Text(int id) => id.ToString(CultureInfo.InvariantCulture);
}
