namespace NannyOrleans.EndToEnd.Tests;

/// <summary>
/// The lab's package <c>lab-slow</c>, of whatever family: its configuration reads how long it shall take from a file, and waits for as long as
/// that file is a pipe into which nobody has written.
/// </summary>
internal sealed class SlowPackage(LabCluster lab, int vmid)
{
    public int Vmid => vmid;

    /// <summary>Lets its update wait at its configuration.</summary>
    public Task Hold() => lab.Inside(vmid, "mkfifo", "/etc/lab-slow.seconds");

    /// <summary>Whether it waits there now.</summary>
    public async Task<bool> IsHeld() => await lab.Inside(vmid, "sh", "-c", Readers) is "yes\n";

    /// <summary>Ends when it waits there.</summary>
    public Task Reached() => Waiting.Until(IsHeld, held => held, $"lab-slow in {vmid} to be held");

    /// <summary>Lets one that waits go on.</summary>
    public Task Release() => lab.Inside(vmid, "sh", "-c", "echo 0 >/etc/lab-slow.seconds; rm /etc/lab-slow.seconds");

    private const string Readers =
        """
        for process in /proc/[0-9]*; do
            [ "$(tr '\0' ' ' 2>/dev/null <"$process/cmdline")" != 'cat /etc/lab-slow.seconds ' ] || { echo yes; exit; }
        done
        """;
}
