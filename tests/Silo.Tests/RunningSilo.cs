using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Silo.Tests;
using Orleans.Storage;

[assembly: AssemblyFixture(typeof(SharedSilo))]

namespace NannyOrleans.Silo.Tests;

/// <summary>A silo as the product puts it together, in this process, over files on disk.</summary>
public sealed class RunningSilo : IAsyncDisposable
{
    private readonly IHost host;

    private RunningSilo(IHost host) => this.host = host;

    public IServiceProvider Services => host.Services;

    public IGrainFactory Grains => host.Services.GetRequiredService<IGrainFactory>();

    /// <summary>The storage that grains use.</summary>
    public IGrainStorage Storage => host.Services.GetRequiredKeyedService<IGrainStorage>("Default");

    internal IOperationHistory History => host.Services.GetRequiredService<IOperationHistory>();

    internal static async Task<RunningSilo> Start(DataDirectory data, TimeProvider? clock = null)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        if (clock is not null)
        {
            builder.Services.AddSingleton(clock);
        }

        builder.AddSilo(data.Options, withGateway: false);
        var host = builder.Build();
        await host.StartAsync().Within("the silo's start");
        return new(host);
    }

    public async ValueTask DisposeAsync()
    {
        await host.StopAsync().Within("the silo's end");
        host.Dispose();
    }
}

/// <summary>One silo for the whole assembly; each test uses keys of its own.</summary>
public sealed class SharedSilo : IAsyncLifetime
{
    private static int used;
    private RunningSilo? silo;

    internal DataDirectory Data { get; } = new();

    public RunningSilo Silo => silo!;

    /// <summary>A grain nobody else uses.</summary>
    public static GrainId NewGrain() => GrainId.Create("node", $"c{Interlocked.Increment(ref used):x16}/pve1");

    public async ValueTask InitializeAsync() => silo = await RunningSilo.Start(Data);

    public async ValueTask DisposeAsync()
    {
        await Silo.DisposeAsync();
        Data.Dispose();
    }
}
