using Microsoft.AspNetCore.Components.Server;
using MudBlazor;
using MudBlazor.Services;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Api.Dashboard.Calls;
using NannyOrleans.Api.Dashboard.Shell;

namespace NannyOrleans.Api.Dashboard;

/// <summary>The dashboard: pages drawn here and kept up to date over a connection, with all that they are made of served by this server.</summary>
internal static class DashboardSetup
{
    public static void AddDashboard(this WebApplicationBuilder builder)
    {
        // Beside the program where it was built and not published; published they are a folder of it.
        builder.WebHost.UseStaticWebAssets();
        builder.Services.AddRazorComponents().AddInteractiveServerComponents(Bound)
            .AddHubOptions(hub => hub.MaximumReceiveMessageSize = 2 * DashboardClient.MostKept); // what came along with a page comes back with the first message
        builder.Services.AddMudServices(mud =>
        {
            mud.SnackbarConfiguration.PositionClass = Defaults.Classes.Position.BottomCenter;
            mud.SnackbarConfiguration.PreventDuplicates = true;
        });
        builder.Services.AddAntiforgery(forgery => forgery.SuppressXFrameOptionsHeader = true); // SecurityHeaders says it, and more
        builder.Services.AddCascadingAuthenticationState();
        builder.Services.AddSingleton<ApiPipeline>();
        builder.Services.AddSingleton<OpenPages>();
        builder.Services.AddSingleton<Pace>();
        builder.Services.AddScoped<IDashboardClient, DashboardClient>();
    }

    /// <summary>Bounds the pages that are open. After it is known who calls.</summary>
    public static void UsePageLimits(this WebApplication app)
    {
        var open = app.Services.GetRequiredService<OpenPages>();
        app.UseWhen(
            http => string.Equals(http.Request.Path.Value?.TrimEnd('/'), "/_blazor", StringComparison.OrdinalIgnoreCase),
            pages =>
            {
                pages.UseWebSockets();
                pages.Use(open.LetIn);
            });
    }

    public static void MapDashboard(this WebApplication app)
    {
        // By this program's own name: what starts it may be another, as the dispatch benchmark is.
        app.MapStaticAssets($"{typeof(Root).Assembly.GetName().Name}.staticwebassets.endpoints.json").AllowAnonymous();
        app.MapRazorComponents<Root>().AddInteractiveServerRenderMode(server => server.ContentSecurityFrameAncestorsPolicy = null).RequireAuthorization(Policies.Dashboard);
    }

    // What a page that lost its connection finds again is memory: for as long as a lift takes, and for few.
    private static void Bound(CircuitOptions circuits)
    {
        circuits.DetailedErrors = false;
        circuits.DisconnectedCircuitMaxRetained = 20;
        circuits.DisconnectedCircuitRetentionPeriod = TimeSpan.FromMinutes(2);
        circuits.MaxBufferedUnacknowledgedRenderBatches = 10;
    }
}
