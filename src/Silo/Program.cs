using NannyOrleans.Silo;
using NannyOrleans.Silo.Backups;

if (BackupVerbs.Is(args))
{
    return await BackupVerbs.Run(args);
}

// A silo in a process of its own. In the default shape there is none: the Api process hosts one.
return await ServerProcess.Run(args, () =>
{
    // Settings lie beside the program, wherever it is started from.
    var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { Args = args, ContentRootPath = AppContext.BaseDirectory });
    builder.Configuration.AddEnvironmentVariables("NANNY_");
    builder.AddSilo(SiloOptions.Read(builder.Configuration), withGateway: true);
    return builder.Build();
});
