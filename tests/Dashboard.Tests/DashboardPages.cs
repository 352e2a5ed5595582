namespace NannyOrleans.Dashboard.Tests;

/// <summary>A page as it is looked at, checked and shown.</summary>
/// <param name="Name">Its name in pictures.</param>
/// <param name="Path">Of the server, with its query; made when it is asked for, since it may take something to show.</param>
internal sealed record DashboardPage(string Name, Func<Installation, Task<string>> Path)
{
    /// <summary>Who looks; null: nobody who has signed in.</summary>
    public Person? Who { get; init; } = Person.Administrator;

    /// <summary>Whether it has a circuit; without one it is whole when it has come.</summary>
    public bool IsLive { get; init; } = true;

    /// <summary>Whether it is looked at on a phone, too.</summary>
    public bool IsForPhones { get; init; }
}

/// <summary>All pages there are. Each is checked in light and dark, and <c>./nanny screenshots</c> takes its picture.</summary>
internal static class DashboardPages
{
    public static readonly IReadOnlyList<DashboardPage> All =
    [
        new("device", async place => $"/device?user_code={await place.AskForCode("pve9.attic.lan")}") { Who = null, IsLive = false, IsForPhones = true },
        new("device-done", _ => Task.FromResult("/device/done")) { Who = null, IsLive = false },
        new("signin", _ => Task.FromResult("/signin")) { Who = null, IsLive = false, IsForPhones = true },
        new("fleet", _ => Task.FromResult("/")) { IsForPhones = true },
        new("topology", _ => Task.FromResult("/topology")) { IsForPhones = true },
        new("graph", _ => Task.FromResult("/topology?view=graph")),
        new("cluster", place => Task.FromResult($"/clusters/{place.ClusterId}")) { IsForPhones = true },
        new("node", place => Task.FromResult($"/nodes/{place.ClusterId}/pve1")),
        new("guest", async place =>
        {
            await place.Server.PatchToEnd("lxc-100", "dry-run");
            return $"/guests/{place.ClusterId}-lxc-100";
        }) { IsForPhones = true },
        new("guests", _ => Task.FromResult("/guests?state=unknown")),
        new("search", _ => Task.FromResult("/search?q=web")),
        new("operations", _ => Task.FromResult("/operations")) { IsForPhones = true },
        new("operation", async place => $"/operations/{(string)(await place.Server.PatchToEnd("lxc-101", "dry-run"))["operation_id"]!}") { IsForPhones = true },
        new("campaigns", _ => Task.FromResult("/campaigns")) { IsForPhones = true },
        new("campaign-new", place => Task.FromResult($"/campaigns/new?cluster={place.ClusterId}")) { IsForPhones = true },
        new("agents", _ => Task.FromResult("/agents")) { IsForPhones = true },
        new("exceptions", _ => Task.FromResult("/exceptions")) { IsForPhones = true },
        new("scripts", _ => Task.FromResult("/scripts")) { IsForPhones = true },
        new("script", _ => Task.FromResult("/scripts/apt-update.sh")),
        new("script-new", _ => Task.FromResult("/scripts/new")),
        new("people", _ => Task.FromResult("/people")) { IsForPhones = true },
        new("person", _ => Task.FromResult($"/people/{Person.Administrator.Name}")),
        new("account", _ => Task.FromResult("/tokens")) { IsForPhones = true },
        new("audit", _ => Task.FromResult("/audit")) { IsForPhones = true },
        new("settings", _ => Task.FromResult("/settings")) { IsForPhones = true },
    ];
}
