using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Silo.Tests;
using NannyOrleans.Silo.Tests.History;
using NannyOrleans.Tests.Postgres;
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
    public IGrainStorage Storage => host.Services.GetRequiredService<IGrainStorage>();

    internal IOperationHistory History => host.Services.GetRequiredService<IOperationHistory>();

    internal static Task<RunningSilo> Start(DataDirectory data, TimeProvider? clock = null) => Start(data.Options, clock);

    internal static async Task<RunningSilo> Start(SiloOptions options, TimeProvider? clock = null)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        if (clock is not null)
        {
            builder.Services.AddSingleton(clock);
        }

        builder.AddSilo(options, withGateway: false);
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

/// <summary>A silo for many tests, each of which uses keys of its own; on one of the databases there are.</summary>
public abstract class TestSilo : IAsyncLifetime
{
    private static int used;
    private RunningSilo? silo;

    internal DataDirectory Data { get; } = new();

    public RunningSilo Silo => silo!;

    /// <summary>A grain nobody else uses.</summary>
    public static GrainId NewGrain() => GrainId.Create("node", $"c{Interlocked.Increment(ref used):x16}/pve1");

    /// <summary>The settings of another silo with nothing stored.</summary>
    internal abstract Task<SiloOptions> NewOptions(DataDirectory data);

    /// <summary>How many rows grain storage has for a grain.</summary>
    internal abstract Task<long> RowsOf(GrainId grain);

    /// <summary>A history with nothing in it.</summary>
    internal abstract Task<HistoryTables> NewHistory();

    public async ValueTask InitializeAsync() => silo = await RunningSilo.Start(await Options());

    public async ValueTask DisposeAsync()
    {
        await (silo?.DisposeAsync() ?? ValueTask.CompletedTask);
        Data.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected virtual Task<SiloOptions> Options() => NewOptions(Data);
}

/// <summary>One for the whole assembly, over files.</summary>
public sealed class SharedSilo : TestSilo
{
    internal override Task<SiloOptions> NewOptions(DataDirectory data) => Task.FromResult(data.Options);

    internal override Task<long> RowsOf(GrainId grain) => Task.FromResult(Data.Ask<long>("grains.db", $"SELECT count(*) FROM OrleansStorage WHERE IdText = '{grain.Key}'"));

    internal override async Task<HistoryTables> NewHistory() => await new HistoryFile().Made();
}

/// <summary>One for each class that asks, on PostgreSQL.</summary>
public sealed class SiloOnPostgres(SharedPostgres postgres) : TestSilo
{
    private string? database;

    internal override async Task<SiloOptions> NewOptions(DataDirectory data) => new() { DataDirectory = data.Path, Port = 0, Postgres = await postgres.NewDatabase() };

    internal override Task<long> RowsOf(GrainId grain) => HistoryOnPostgres.Ask<long>(database!, $"SELECT count(*) FROM OrleansStorage WHERE IdText = '{grain.Key}'");

    internal override async Task<HistoryTables> NewHistory() => await new HistoryOnPostgres(postgres).Made();

    private protected override async Task<SiloOptions> Options()
    {
        var options = await base.Options();
        database = options.Postgres;
        return options;
    }
}
