using System.Security.Cryptography;
using System.Text.RegularExpressions;
using NannyOrleans.Api.Audit;
using NannyOrleans.Domain.Guests;
using NannyOrleans.Domain.Scripts;

namespace NannyOrleans.Api.Scripts;

/// <summary>What <c>POST /api/scripts</c> takes.</summary>
/// <param name="Name">Its file name, such as <c>my-debian.sh</c>.</param>
/// <param name="PlatformFamily">The family it patches; absent where <paramref name="OsId"/> is given.</param>
/// <param name="OsId">The distribution it patches that belongs to no family, as os-release's ID, such as <c>gentoo</c>.</param>
/// <param name="OsVersion">The one version of it, as os-release's VERSION_ID; absent for all.</param>
/// <param name="Content">Its text.</param>
internal sealed partial record ScriptRequest(string? Name, string? PlatformFamily, string? OsId, string? OsVersion, string? Content) : IAudited
{
    string? IAudited.AuditTarget => Name;

    string IAudited.AuditDetail =>
        $"for {PlatformFamily ?? OsId} {OsVersion ?? "of all versions"}, SHA-256 {(Content is null ? "missing" : Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(Content))))}";

    /// <summary>The family, which is unknown where there is an <see cref="OsId"/>; or what is wrong with each field.</summary>
    public (PlatformFamily? Family, IReadOnlyDictionary<string, string[]> Errors) Read()
    {
        var errors = new Dictionary<string, string[]>();
        if (Name is null || !FileName().IsMatch(Name))
        {
            errors["name"] = ["It must be a file name of lower-case letters, digits and . _ -, that ends in .sh, at most 64 long."];
        }

        var family = PlatformFamily is null ? null : PlatformFamilies.Named(PlatformFamily);
        if (OsId is not null)
        {
            family ??= Domain.Guests.PlatformFamily.Unknown;
            if (PlatformFamily is not null)
            {
                errors["os_id"] = ["Give platform_family or os_id, not both."];
            }
            else if (!Id().IsMatch(OsId))
            {
                errors["os_id"] = ["It must be a distribution as os-release's ID has it: lower-case letters, digits and . _ -, at most 64 long, such as gentoo."];
            }
            else if (PlatformFamilies.OfId(OsId) is var known and not Domain.Guests.PlatformFamily.Unknown)
            {
                errors["os_id"] = [$"{OsId} belongs to a family; give platform_family: {PlatformFamilies.Spell(known)}."];
            }
        }
        else if (family is null)
        {
            errors["platform_family"] = [$"It must be one of {string.Join(", ", Enum.GetValues<PlatformFamily>().Where(one => one is not Domain.Guests.PlatformFamily.Unknown).Select(PlatformFamilies.Spell))}; or leave it out and give os_id."];
        }

        if (OsVersion is not null && !Version().IsMatch(OsVersion))
        {
            errors["os_version"] = ["It must be a version as os-release's VERSION_ID has it, such as 12 or 24.04; leave it out for all versions."];
        }

        if (Content is null || ScriptText.Problem(System.Text.Encoding.UTF8.GetBytes(Content)) is not null)
        {
            errors["content"] = [Content is null ? "It is missing: the script's text." : ScriptText.Problem(System.Text.Encoding.UTF8.GetBytes(Content))!];
        }

        return (errors.Count is 0 ? family : null, errors);
    }

    [GeneratedRegex(@"^[a-z0-9][a-z0-9._-]{0,60}\.sh\z")]
    private static partial Regex FileName();

    [GeneratedRegex(@"^[a-z0-9][a-z0-9._-]{0,63}\z")]
    private static partial Regex Id();

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}\z")]
    private static partial Regex Version();
}
