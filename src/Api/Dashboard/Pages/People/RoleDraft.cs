using NannyOrleans.Api.People;
using NannyOrleans.Domain.Access;

namespace NannyOrleans.Api.Dashboard.Pages.People;

/// <summary>A role in a form.</summary>
public sealed class RoleDraft
{
    /// <summary>viewer, operator, approver or administrator.</summary>
    public string? Role { get; set; } = Grant.Roles[0];

    /// <summary>The cluster's or machine's id; empty: everywhere.</summary>
    public string? Cluster { get; set; } = string.Empty;

    /// <summary>A role that is there.</summary>
    internal static RoleDraft Of(RoleView role) => new() { Role = role.Role, Cluster = role.Cluster ?? string.Empty };

    /// <summary>What is sent.</summary>
    public static object Body(IEnumerable<RoleDraft> roles) =>
        roles.Select(one => new Dictionary<string, string?> { ["role"] = one.Role, ["cluster"] = string.IsNullOrEmpty(one.Cluster) ? null : one.Cluster }).ToArray();
}
