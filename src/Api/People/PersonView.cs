using NannyOrleans.Api.Accounts;
using NannyOrleans.Domain.Access;

namespace NannyOrleans.Api.People;

/// <summary>An account as shown.</summary>
/// <param name="Id">Its id.</param>
/// <param name="UserName">How the person signs in.</param>
/// <param name="Roles">All of its roles.</param>
/// <param name="Disabled">Whether the person may not sign in.</param>
/// <param name="SecondFactor">Whether signing in takes a second factor.</param>
/// <param name="Password">The password that was made, this once; null otherwise.</param>
internal sealed record PersonView(string Id, string UserName, IReadOnlyList<RoleView> Roles, bool Disabled, bool SecondFactor, string? Password = null)
{
    /// <summary>The view of an account.</summary>
    public static PersonView Of(Person person, IReadOnlyList<Grant> grants, string? password = null) =>
        new(person.Id, person.UserName!, [.. grants.Select(RoleView.Of)], PersonAccess.IsDisabled(person), person.TwoFactorEnabled, password);
}

/// <summary>A role as shown.</summary>
/// <param name="Role">viewer, operator, approver or administrator.</param>
/// <param name="Cluster">The cluster or machine it is for; null: all.</param>
internal sealed record RoleView(string Role, string? Cluster)
{
    /// <summary>The view of a grant.</summary>
    public static RoleView Of(Grant grant) => new(Grant.Roles[(int)grant.Role], grant.Cluster?.Value);
}
