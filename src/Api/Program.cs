using System.Text.Json;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.SignalR;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Api.Agents;
using NannyOrleans.Api.Audit;
using NannyOrleans.Api.Batches;
using NannyOrleans.Api.Campaigns;
using NannyOrleans.Api.Clusters;
using NannyOrleans.Api.Dashboard;
using NannyOrleans.Api.Dashboard.Calls;
using NannyOrleans.Api.Dashboard.Live;
using NannyOrleans.Api.Devices;
using NannyOrleans.Api.Diagnoses;
using NannyOrleans.Api.Exceptions;
using NannyOrleans.Api.Http;
using NannyOrleans.Api.Metrics;
using NannyOrleans.Api.Patches;
using NannyOrleans.Api.People;
using NannyOrleans.Api.Reboots;
using NannyOrleans.Api.Scripts;
using NannyOrleans.Api.Settings;
using NannyOrleans.Api.Telemetry;
using NannyOrleans.Api.Topologies;
using NannyOrleans.Protocol;
using NannyOrleans.Silo;
using NannyOrleans.Silo.Audit;
using NannyOrleans.Silo.Backups;
using NannyOrleans.Silo.Health;
using NannyOrleans.Silo.Signing;
using NannyOrleans.Silo.Telemetry;

if (args is [ScriptExport.Verb, var directory])
{
    return ScriptExport.Write(directory);
}

if (BackupVerbs.Is(args))
{
    return await BackupVerbs.Run(args);
}

if (KeyRotationVerb.Is(args))
{
    return await KeyRotationVerb.Run(args);
}

if (AuditVerbs.Is(args))
{
    return await AuditVerbs.Run(args);
}

return await ServerProcess.Run(args, () => Build(args));

static WebApplication Build(string[] args)
{
    // Settings lie beside the program, wherever it is started from.
    var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
    builder.Configuration.AddEnvironmentVariables("NANNY_");
    builder.AddTelemetry("nanny-api");
    builder.AddHealth();
    var silo = SiloOptions.Read(builder.Configuration);
    silo.MakeDataDirectory();

    // The tables come before whatever reads them: hosted services start in this order.
    var access = AccessOptions.Read(builder.Configuration);
    builder.Services.AddSingleton(access);
    var oidc = OidcOptions.Read(builder.Configuration);
    builder.Services.AddAccounts(silo, oidc);
    builder.AddDashboard();
    if (silo.Embedded)
    {
        builder.AddSilo(silo, withGateway: false);
    }
    else
    {
        builder.AddSiloClient(silo);
    }

    builder.Services.AddChangeFeed();
    builder.Services.AddSingleton<Refusals>();
    builder.Services.AddHostedService(services => services.GetRequiredService<Refusals>());
    builder.Services.AddSingleton<IAuthorizationMiddlewareResultHandler, AuditedRefusals>();
    builder.Services.AddSingleton<AgentConnections>();
    builder.Services.AddHostedService(services => services.GetRequiredService<AgentConnections>());
    builder.Services.AddSingleton<OperationLog>();
    builder.Services.AddSingleton<HubMessages>();
    builder.Services.AddSignalR()
        .AddHubOptions<NannyOrleans.Api.Agents.AgentHub>(hub =>
        {
            ServerLimits.Bound(hub);
            hub.AddFilter<HubMessages>();
        })
        .AddJsonProtocol(json => ProtocolJson.Configure(json.PayloadSerializerOptions));
    builder.Services.ConfigureHttpJsonOptions(json =>
    {
        json.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        json.SerializerOptions.DictionaryKeyPolicy = null;
    });
    builder.Services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
    builder.Services.AddProblems();
    builder.Services.AddOpenApi(document => document.AddSchemaTransformer<AgentRowSchema>().AddSchemaTransformer<WireEnumSchema>());
    builder.Services.AddSingleton<AgentPlaces>();
    var limits = LimitOptions.Read(builder.Configuration);
    builder.Services.AddRateLimits();
    builder.WebHost.AddListening(builder.Configuration);
    builder.Services.AddTrustedProxies(builder.Configuration);

    var app = builder.Build();
    app.Use(app.Services.GetRequiredService<ApiPipeline>().Take);
    app.UseRouting();
    app.UseSecurityHeaders();
    app.UseForwardedHeaders();
    app.UseExceptionHandler();
    app.UseStatusCodePages();
    app.UseRegistrationLimits(limits);
    app.UseSignInGate();
    app.Use(SessionCookie.RefuseForeign);
    app.UseAuthentication();
    app.UseAuthorization();
    app.UseAntiforgery();
    app.UseCallerLimits(limits);
    app.UsePageLimits();
    app.Use(app.Services.GetRequiredService<AgentPlaces>().LetIn);
    app.MapHealth();
    var telemetry = TelemetryOptions.Read(builder.Configuration);
    app.MapTelemetry(telemetry);
    app.MapOpenApi("/openapi/v1.json");
    app.MapTokens();
    app.MapAuthorize();
    app.MapSignInPage();
    app.MapOidcSignIn(oidc);
    app.MapDevices();
    var audited = app.MapAudited();
    audited.MapSession();
    audited.MapOwnAccount();
    audited.MapPersonalTokens();
    audited.MapPeople();
    audited.MapAgents();
    audited.MapMetrics();
    audited.MapClusters();
    audited.MapPatches();
    audited.MapBatches();
    audited.MapCampaigns();
    audited.MapPackageExceptions();
    audited.MapReboots();
    audited.MapDiagnoses();
    audited.MapScripts();
    audited.MapTopology();
    audited.MapAudit();
    audited.MapServer(ServerView.Of(app.Services.GetRequiredService<TimeProvider>().GetUtcNow(), silo, limits, access, oidc, telemetry));
    app.MapHub<NannyOrleans.Api.Agents.AgentHub>(NannyOrleans.Protocol.AgentHub.Path, ServerLimits.Bound);
    app.MapDashboard();
    app.CheckAudited();
    return app;
}
