namespace NannyOrleans.Tests.Postgres;

/// <summary>
/// One server for a whole test assembly (<c>[assembly: AssemblyFixture(typeof(SharedPostgres))]</c>), started for the first test that
/// asks; each test has a database of its own. Where there is no PostgreSQL, a test that asks is skipped and says so.
/// </summary>
public sealed class SharedPostgres : IAsyncDisposable
{
    private readonly Lazy<Task<PrivatePostgres>> server = new(() => PrivatePostgres.Start());

    internal Task<PrivatePostgres> Server
    {
        get
        {
            Assert.SkipWhen(PrivatePostgres.WhyNot is not null, PrivatePostgres.WhyNot ?? "");
            return server.Value;
        }
    }

    /// <summary>A database that nobody else uses; its connection string.</summary>
    public async Task<string> NewDatabase() => await (await Server).NewDatabase();

    /// <summary>A copy of a database that is filled once; the copy's connection string.</summary>
    public async Task<string> NewDatabase(string template, Func<string, Task> fill) => await (await Server).NewDatabase(template, fill);

    public async ValueTask DisposeAsync()
    {
        if (server.IsValueCreated)
        {
            await (await server.Value).DisposeAsync();
        }
    }
}
