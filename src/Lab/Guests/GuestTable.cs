using System.Globalization;
using System.Text;

namespace NannyOrleans.Lab.Guests;

/// <summary>One row of `pct list`.</summary>
public sealed record CtRow(int Vmid, bool IsRunning, string Lock, string Name);

/// <summary>One row of `qm list`.</summary>
/// <param name="Vmid">Its id.</param>
/// <param name="Name">May hold blanks, and may be longer than its column.</param>
/// <param name="MemoryMb">MiB.</param>
/// <param name="BootdiskGb">GiB; 0 when the boot disk is not found.</param>
/// <param name="Status"><c>running</c> or <c>stopped</c>; with `--full` what QEMU says, such as <c>paused</c>.</param>
/// <param name="Pid">0 when it is off.</param>
public sealed record VmRow(int Vmid, string Name, int MemoryMb, double BootdiskGb, string Status = "stopped", int Pid = 0);

/// <summary>The two lists. Both print nothing at all, not even a header, without guests.</summary>
public static class GuestTable
{
    /// <summary>`pct list`: the last column is padded too.</summary>
    public static string PctList(IReadOnlyCollection<CtRow> rows)
    {
        if (rows.Count is 0) { return ""; }
        var text = new StringBuilder("VMID       Status     Lock         Name                \n");
        foreach (var row in rows.OrderBy(r => r.Vmid))
        {
            text.Append(CultureInfo.InvariantCulture,
                $"{row.Vmid,-10} {(row.IsRunning ? "running" : "stopped"),-10} {row.Lock,-12} {row.Name,-20}\n");
        }

        return text.ToString();
    }

    /// <summary>`qm list`: a long name shifts what follows it.</summary>
    public static string QmList(IReadOnlyCollection<VmRow> rows)
    {
        if (rows.Count is 0) { return ""; }
        var text = new StringBuilder("      VMID NAME                 STATUS     MEM(MB)    BOOTDISK(GB) PID       \n");
        foreach (var row in rows.OrderBy(r => r.Vmid))
        {
            text.Append(CultureInfo.InvariantCulture,
                $"{row.Vmid,10} {row.Name,-20} {row.Status,-10} {row.MemoryMb,-10} {row.BootdiskGb,12:0.00} {row.Pid,-10}\n");
        }

        return text.ToString();
    }
}
