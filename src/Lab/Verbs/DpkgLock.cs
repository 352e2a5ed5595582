using System.Globalization;
using CliWrap;
using CliWrap.Buffered;
using NannyOrleans.Lab.Guests;
using NannyOrleans.Lab.Hosts;
using NannyOrleans.Lab.Linux;

namespace NannyOrleans.Lab.Verbs;

/// <summary>Another package manager at work: a process inside a host or a container that holds dpkg's locks until it is told to end.</summary>
internal sealed class DpkgLock(LabDirectory directory, Action<string> say)
{
    private const string Release =
        """
        read -r pid </run/nanny-lab-dpkg.pid 2>/dev/null || exit 0
        rm -f /run/nanny-lab-dpkg.pid
        grep -q nanny-lab-dpkg "/proc/$pid/cmdline" 2>/dev/null || exit 0
        kill "$pid"
        while [ -e "/proc/$pid/fd/0" ]; do sleep 0.05; done
        """;

    /// <summary>Takes or gives back the locks; whoever has them already is an error.</summary>
    /// <param name="target">A host's name or a container's vmid.</param>
    /// <param name="held">Whether they are held from now on.</param>
    public void Set(string target, bool held)
    {
        var plan = directory.RequirePlan();
        if (plan.IsSimulated) { throw new LabFailure("this needs real containers: dpkg is simulated here"); }
        string[] command = held ? ["perl", "-e", Resource.Text("hold-dpkg.pl"), "nanny-lab-dpkg"] : ["sh", "-c", Release];
        using var control = directory.Control(say);
        var ended = int.TryParse(target, CultureInfo.InvariantCulture, out var vmid) ? InContainer(plan, vmid, command) : OnHost(plan, target, command);
        if (ended.ExitCode is not 0) { throw new LabFailure($"dpkg's locks of {target}: {(ended.StandardOutput + ended.StandardError).Trim()}"); }
    }

    private BufferedCommandResult OnHost(LabPlan plan, string host, string[] command)
    {
        LabVerbs.Known(plan, host);
        return new HostSystems(directory, plan).Inside(host, command);
    }

    private BufferedCommandResult InContainer(LabPlan plan, int vmid, string[] command)
    {
        if (new PlacedGuests(directory, plan).Find(vmid) is not { Kind: "lxc" }) { throw new LabFailure($"no container {vmid} in this lab"); }
        return Cli.Wrap(Programs.Need("lxc-attach", "lxc")).WithArguments(["-P", directory.Lxc, "-n", $"{vmid}", "--clear-env", "--", .. command])
            .WithWorkingDirectory("/").WithValidation(CommandResultValidation.None).ExecuteBufferedAsync().Task.GetAwaiter().GetResult();
    }
}
