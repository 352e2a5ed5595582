using System.Text.Json.Nodes;

namespace NannyOrleans.Dashboard.Tests;

/// <summary>Somebody with an account.</summary>
/// <param name="Name">The user name.</param>
/// <param name="Role">What he is.</param>
/// <param name="IsOfLab">Whether he is it in the lab's cluster alone, and sees nothing else.</param>
internal sealed record Person(string Name, string Role, bool IsOfLab = false)
{
    public static readonly Person Administrator = new("admin", "administrator");

    public static readonly Person Approver = new("petra", "approver");

    public static readonly Person Operator = new("olaf", "operator");

    public static readonly Person Viewer = new("vera", "viewer");

    public static readonly Person OfOneCluster = new("clara", "operator", IsOfLab: true);

    /// <summary>All but the administrator, who is there from the start.</summary>
    public static readonly IReadOnlyList<Person> Others = [Approver, Operator, Viewer, OfOneCluster];

    /// <summary>Everybody's.</summary>
    public const string Password = Server.Password;

    /// <summary>What <c>POST /api/people</c> takes.</summary>
    public JsonObject Account(string cluster) => new()
    {
        ["user_name"] = Name,
        ["password"] = Password,
        ["roles"] = new JsonArray(new JsonObject { ["role"] = Role, ["cluster"] = IsOfLab ? cluster : null }),
    };
}
