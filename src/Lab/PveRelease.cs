namespace NannyOrleans.Lab;

/// <summary>What one release of Proxmox VE is known by on a host of it.</summary>
/// <param name="Name">As a plan and `--pve` name it: 7.4, 8.2, 8.4, 9.2.</param>
/// <param name="Manager">Version of pve-manager.</param>
/// <param name="RepoId">Commit it says it was built from: 8 digits in 7, 16 later.</param>
/// <param name="Kernel">The kernel a lab host of it says it runs; also the newest installed.</param>
/// <param name="OlderKernel">A second one that is installed beside it.</param>
/// <param name="Debian">Major version of the Debian below.</param>
/// <param name="DebianPoint">Content of /etc/debian_version.</param>
/// <param name="CodeName">The Debian's name.</param>
/// <param name="Container">Version of pve-container.</param>
/// <param name="HaManager">Version of pve-ha-manager.</param>
public sealed record PveRelease(
    string Name, string Manager, string RepoId, string Kernel, string OlderKernel, int Debian, string DebianPoint, string CodeName, string Container, string HaManager)
{
    /// <summary>The release of a host whose plan names none.</summary>
    public const string Usual = "9.2";

    /// <summary>All there are, the oldest first.</summary>
    public static IReadOnlyList<PveRelease> All { get; } =
    [
        new("7.4", "7.4-16", "00000000", "5.15.108-1-pve", "5.15.102-1-pve", 11, "11.7", "bullseye", "4.4-6", "3.6.1"),
        new("8.2", "8.2.7", "0000000000000000", "6.8.12-2-pve", "6.8.8-4-pve", 12, "12.7", "bookworm", "5.2.0", "4.0.5"),
        new("8.4", "8.4.14", "0000000000000000", "6.8.12-17-pve", "6.8.12-13-pve", 12, "12.12", "bookworm", "5.3.3", "4.0.7"),
        new("9.2", "9.2.11", "0000000000000000", "6.17.4-1-pve", "6.14.11-4-pve", 13, "13.1", "trixie", "6.1.10", "5.2.0"),
    ];

    /// <summary>The release of that name; a person's mistake is a <see cref="LabFailure"/>.</summary>
    public static PveRelease Of(string name) => All.FirstOrDefault(r => r.Name == name)
        ?? throw new LabFailure($"no PVE release `{name}` in the lab: {string.Join(' ', All.Select(r => r.Name))}");

    /// <summary>7, 8 or 9.</summary>
    public int Major => Debian - 4;

    /// <summary>Whether something that came with a release is there.</summary>
    public bool Has(string since) => Version.Parse(Name) >= Version.Parse(since);

    /// <summary>A kernel's package. Proxmox renamed them with 8.</summary>
    public string KernelPackage(string kernel) => Major is 7 ? $"pve-kernel-{kernel}" : $"proxmox-kernel-{kernel}-signed";

    /// <summary>The metapackage that brings newer kernels of the running one's series.</summary>
    public string KernelSeries => $"{(Major is 7 ? "pve" : "proxmox")}-kernel-{string.Join('.', Kernel.Split('.')[..2])}";

    /// <summary>Name of an entry in <c>.rrd</c>, by what it is about. 9 broadcasts more, under new names.</summary>
    public string StatusKey(string about) => (about, Major) switch
    {
        ("vm", < 9) => "pve2.3-vm",
        (_, < 9) => $"pve2-{about}",
        _ => $"pve-{about}-9.0",
    };
}
