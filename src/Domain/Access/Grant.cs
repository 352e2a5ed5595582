using System.Diagnostics.CodeAnalysis;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Domain.Access;

/// <summary>What a person is.</summary>
public enum Role
{
    /// <summary>Looks.</summary>
    Viewer,

    /// <summary>Looks and operates.</summary>
    Operator,

    /// <summary>Looks and approves.</summary>
    Approver,

    /// <summary>May all.</summary>
    Administrator,
}

/// <summary>A role, everywhere or for one cluster. As text <c>operator</c> or <c>operator@c0123456789abcdef</c>.</summary>
/// <param name="Role">The role.</param>
/// <param name="Cluster">The cluster, or the machine; null: everywhere, also on what is yet to come.</param>
public sealed record Grant(Role Role, ClusterId? Cluster = null)
{
    /// <summary>The roles' names.</summary>
    public static IReadOnlyList<string> Roles => Names;

    private static readonly string[] Names = [.. Enum.GetNames<Role>().Select(name => name.ToLowerInvariant())];

    /// <summary>What the role allows.</summary>
    public Powers Powers => Role switch
    {
        Role.Viewer => Powers.View,
        Role.Operator => Powers.View | Powers.Operate,
        Role.Approver => Powers.View | Powers.Approve,
        Role.Administrator => Powers.All,
        _ => Powers.None,
    };

    /// <summary>Reads what <see cref="ToString"/> writes. What can't be read grants nothing.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out Grant? grant)
    {
        grant = null;
        var parts = text?.Split('@') ?? [];
        if (parts.Length is not (1 or 2) || Array.IndexOf(Names, parts[0]) is not (>= 0 and var role))
        {
            return false;
        }

        if (parts.Length is 1)
        {
            grant = new((Role)role);
        }
        else if (ClusterId.TryParse(parts[1], null, out var cluster))
        {
            grant = new((Role)role, cluster);
        }

        return grant is not null;
    }

    /// <inheritdoc/>
    public override string ToString() => Cluster is { } cluster ? $"{Roles[(int)Role]}@{cluster}" : Roles[(int)Role];
}
