using NannyOrleans.Silo;

namespace NannyOrleans.Api.Accounts;

/// <summary>What people may do to each other's work. Section <c>Access</c>.</summary>
internal sealed class AccessOptions
{
    /// <summary>Whether who has started a campaign can't approve its reboots, whatever roles he has. Default false: a homelab has one person.</summary>
    public bool SeparationOfDuties { get; set; }

    /// <summary>Reads the section.</summary>
    /// <exception cref="CannotStartException">A value can't be read.</exception>
    public static AccessOptions Read(IConfiguration configuration) => Section.Read<AccessOptions>(configuration, "Access");
}
