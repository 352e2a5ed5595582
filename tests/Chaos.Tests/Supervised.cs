namespace NannyOrleans.Chaos.Tests;

/// <summary>A process that is killed and, as by a service manager, started again.</summary>
internal sealed class Supervised(string name, Func<RunningProgram> start, string? ready = null) : IAsyncDisposable
{
    private readonly List<string> past = [];
    private RunningProgram? running;

    public string Name => name;

    public int Kills { get; private set; }

    /// <summary>All it has said in all its lives.</summary>
    public string Log
    {
        get
        {
            lock (past)
            {
                return string.Join('\n', [.. past, .. running is { } now ? new[] { now.Log } : []]);
            }
        }
    }

    /// <summary>Starts it; waits until it is ready where that is said.</summary>
    public async Task<Supervised> Start(bool wait = true)
    {
        running = start();
        if (wait && ready is not null)
        {
            await running.Line(ready);
        }

        return this;
    }

    /// <summary>kill -9.</summary>
    public async Task Kill()
    {
        if (running is { } now)
        {
            running = null;
            Kills++;
            await now.DisposeAsync();
            lock (past)
            {
                past.Add(now.Log);
            }
        }
    }

    /// <summary>Starts it again if it has ended by itself, as a silo does that was taken for dead.</summary>
    public async Task Tend()
    {
        if (running is { HasExited: true } ended)
        {
            lock (past)
            {
                past.Add(ended.Log);
            }

            await ended.DisposeAsync();
            running = start();
        }
    }

    public async ValueTask DisposeAsync() => await (running?.DisposeAsync() ?? ValueTask.CompletedTask);
}
