using NannyOrleans.Silo;
using NannyOrleans.Silo.Backups;
using NannyOrleans.Silo.Health;
using NannyOrleans.Silo.Signing;
using NannyOrleans.Silo.Telemetry;

if (BackupVerbs.Is(args))
{
    return await BackupVerbs.Run(args);
}

if (KeyRotationVerb.Is(args))
{
    return await KeyRotationVerb.Run(args);
}

// A silo in a process of its own. In the default shape there is none: the Api process hosts one.
return await ServerProcess.Run(args, () =>
{
    // Settings lie beside the program, wherever it is started from.
    var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
    builder.Configuration.AddEnvironmentVariables("NANNY_");
    builder.AddTelemetry("nanny-silo");
    builder.AddHealth();
    builder.AddSilo(SiloOptions.Read(builder.Configuration), withGateway: true);
    if (string.IsNullOrEmpty(builder.Configuration[WebHostDefaults.ServerUrlsKey]))
    {
        builder.WebHost.UseUrls("http://127.0.0.1:8091"); // nobody but probes and scrapers has anything to ask here
    }

    var app = builder.Build();
    app.MapHealth();
    ScrapeToken.Map(app);
    return app;
});
