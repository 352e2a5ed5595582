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

    /// <summary>
    /// `pct exec VMID [--keep-env 0|1] -- COMMAND` without the lab's start of .NET: what is measured is us. It counts calls as the lab's would be counted.
    /// </summary>
    public static string Pct(LabHost host) => $"""
        #!/bin/sh
        echo "pct $*" >> '{host.Calls}'
        vmid=$2 environment=--keep-env
        shift 2
        while [ "$1" != -- ]; do [ "$1" != --keep-env ] || [ "$2" != 0 ] || environment=--clear-env; shift; done
        exec /usr/bin/lxc-attach -P '{host.LxcPath}' -n "$vmid" "$environment" "$@"

        """;

    /// <summary>Where the base of the containers is, with the Python that Ansible's modules need. Made once on a machine; for all contenders.</summary>
    public static async Task<string> PythonBase()
    {
        const string Cache = "/var/cache/nanny-lab-python";
        using var made = Process.Start(new ProcessStartInfo("sh", [Path.Combine(AppContext.BaseDirectory, "python.sh"), LabProgram.Path, Cache]))!;
        await made.WaitForExitAsync();
        return made.ExitCode is 0 ? Cache : throw new InvalidOperationException("There is no base with Python for Ansible.");
    }

    /// <summary>As the community's update scripts do it: one after the other.</summary>
    public Task Sequential(int[] ids) => Shell.Run($"for id in {Words(ids)}; do pct exec $id -- {Clean} sh -c '{Upgrade}' || exit 1; done", host);

    /// <summary>The least there can be: nothing but the work, side by side.</summary>
    public Task Bare(int[] ids) =>
        Shell.Run($"printf '%s\\n' {Words(ids)} | xargs -P {atOnce} -I % {Attach} -n % -- {Clean} sh -c '{Upgrade}'", host);

    /// <summary>Ansible as people run it: its module <c>apt</c>, over a connection of its own to each container, facts gathered, all settings Ansible's own.</summary>
    public Task AnsibleApt(int[] ids) => Ansible(
        ids,
        """
        - hosts: all
          connection: lxc_attach
          tasks:
            - apt:
                update_cache: true
                upgrade: dist

        """);

    /// <summary>The least that Ansible can do: <c>raw</c> hands a line to a shell on this host. No facts, no module, no Python, no result but text.</summary>
    public Task AnsibleRaw(int[] ids) => Ansible(
        ids,
        $"""
        - hosts: all
          connection: local
          gather_facts: false
          tasks:
            - raw: /usr/bin/lxc-attach -P {host.LxcPath} -n {"{{ inventory_hostname }}"} -- {Clean} sh -c '{Upgrade}'

        """);

    /// <summary>The first line of what it says of itself.</summary>
    public async Task<string> AnsibleVersion() => (await Shell.Run("ansible-playbook --version", host)).Split('\n')[0];

    /// <summary>What one call of pct takes here when it does nothing.</summary>
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

    private async Task Ansible(int[] ids, string play)
    {
        var (inventory, playbook, configuration) = (Path.Combine(directory, "hosts"), Path.Combine(directory, "playbook.yml"), Path.Combine(directory, "ansible.cfg"));
        await File.WriteAllLinesAsync(inventory, [.. ids.Select(Text), "[all:vars]", $"lxcpath={host.LxcPath}"]);
        await File.WriteAllTextAsync(configuration, $"[defaults]\nconnection_plugins = {AppContext.BaseDirectory}\n"); // and not the machine's own, if it has one
        await File.WriteAllTextAsync(playbook, play);
        await Shell.Run($"ansible-playbook -i '{inventory}' -f {atOnce} '{playbook}'", host, ("ANSIBLE_CONFIG", configuration), ("HOME", directory));
    }

    private static string Words(int[] ids) => string.Join(' ', ids.Select(Text));

    private static string Text(int id) => id.ToString(CultureInfo.InvariantCulture);
}
