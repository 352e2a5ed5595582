using Microsoft.Extensions.Options;
using NannyOrleans.Silo;

// A silo in a process of its own. In the default shape there is none: the Api process hosts one.
var builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { Args = args, ContentRootPath = AppContext.BaseDirectory });
builder.Configuration.AddEnvironmentVariables("NANNY_");
builder.Services.AddOptions<SiloOptions>().BindConfiguration(SiloOptions.Section).ValidateOnStart();
builder.Services.AddSingleton<IValidateOptions<SiloOptions>, SiloOptionsValidator>();
builder.AddSilo(builder.Configuration.GetSection(SiloOptions.Section).Get<SiloOptions>() ?? new(), withGateway: true);
await builder.Build().RunAsync();
