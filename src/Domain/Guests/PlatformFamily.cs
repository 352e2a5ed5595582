using System.Text.Json.Serialization;
using NannyOrleans.Protocol.Inventories;

namespace NannyOrleans.Domain.Guests;

/// <summary>A family of distributions that one patch script serves.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<PlatformFamily>))]
public enum PlatformFamily
{
    /// <summary>Nothing known says which. Never patched on a guess.</summary>
    [JsonStringEnumMemberName("unknown")]
    Unknown,

    /// <summary>apt: Debian, Ubuntu, Devuan.</summary>
    [JsonStringEnumMemberName("debian")]
    Debian,

    /// <summary>dnf or yum: RHEL, Rocky, Alma, CentOS, Fedora.</summary>
    [JsonStringEnumMemberName("rhel")]
    Rhel,

    /// <summary>zypper: openSUSE, SLES.</summary>
    [JsonStringEnumMemberName("suse")]
    Suse,

    /// <summary>pacman: Arch Linux.</summary>
    [JsonStringEnumMemberName("arch")]
    Arch,

    /// <summary>apk: Alpine.</summary>
    [JsonStringEnumMemberName("alpine")]
    Alpine,
}

/// <summary>Which family a guest belongs to.</summary>
public static class PlatformFamilies
{
    /// <summary>
    /// Decides by os-release's <c>ID</c>, then its <c>ID_LIKE</c> in order, then the configuration's <c>ostype</c>, which is written once
    /// at creation and wrong after an in-place conversion. Nothing known gives <see cref="PlatformFamily.Unknown"/>.
    /// </summary>
    public static PlatformFamily Of(OsRelease? os, string? osType)
    {
        IEnumerable<string?> hints = os is null ? [osType] : [os.Id, .. os.IdLike, osType];
        return hints.Select(OfId).FirstOrDefault(family => family is not PlatformFamily.Unknown);
    }

    /// <summary>A family as the API spells it.</summary>
    public static string Spell(PlatformFamily family) => family.ToString().ToLowerInvariant();

    /// <summary>The family that a person spelled; null when there is none of that name.</summary>
    public static PlatformFamily? Named(string name) =>
        Enum.GetValues<PlatformFamily>().Where(family => family is not PlatformFamily.Unknown && Spell(family) == name).Select(family => (PlatformFamily?)family).FirstOrDefault();

    /// <summary>The patch script of a family, or null when there is none: for an unknown family.</summary>
    public static string? ScriptOf(PlatformFamily family) => family switch
    {
        PlatformFamily.Debian => "apt-update.sh",
        PlatformFamily.Rhel => "dnf-update.sh",
        PlatformFamily.Suse => "zypper-update.sh",
        PlatformFamily.Arch => "pacman-update.sh",
        PlatformFamily.Alpine => "apk-update.sh",
        _ => null,
    };

    /// <summary>The family that one word of os-release or <c>ostype</c> says.</summary>
    public static PlatformFamily OfId(string? id) => id switch
    {
        "debian" or "ubuntu" or "devuan" or "raspbian" or "kali" or "linuxmint" => PlatformFamily.Debian,
        "rhel" or "centos" or "rocky" or "almalinux" or "ol" or "fedora" => PlatformFamily.Rhel,
        "suse" or "opensuse" or "opensuse-leap" or "opensuse-tumbleweed" or "opensuse-slowroll" or "sles" => PlatformFamily.Suse,
        "arch" or "archlinux" or "manjaro" or "endeavouros" => PlatformFamily.Arch,
        "alpine" => PlatformFamily.Alpine,
        _ => PlatformFamily.Unknown,
    };
}
