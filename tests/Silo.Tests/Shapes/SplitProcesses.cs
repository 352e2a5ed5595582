using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;

namespace NannyOrleans.Silo.Tests.Shapes;

/// <summary>The silo's program as a process of its own, and clients of it in this one.</summary>
internal static class SplitProcesses
{
    public static RunningProgram StartSilo(DataDirectory data, int gateway, string url = "http://127.0.0.1:0", params (string Name, string Value)[] more)
    {
        var settings = new Dictionary<string, string>
        {
            ["NANNY_urls"] = url,
            ["NANNY_Silo__DataDirectory"] = data.Path,
            ["NANNY_Silo__Port"] = "0",
            ["NANNY_Silo__GatewayPort"] = $"{gateway}",
        };
        foreach (var (name, value) in more)
        {
            settings[name] = value;
        }

        return new([BuiltProgram.Of("Silo")], settings);
    }

    public static async Task<IHost> Client(DataDirectory data, int gateway)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.AddSiloClient(new() { DataDirectory = data.Path, GatewayPort = gateway });
        builder.Services.Configure<ClientMessagingOptions>(client => client.ResponseTimeout = TimeSpan.FromSeconds(10)); // how long a call to a dead silo hangs
        var client = builder.Build();
        await client.StartAsync().Within("the silo's gateway");
        return client;
    }
}
