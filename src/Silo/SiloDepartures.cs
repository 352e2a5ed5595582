using Npgsql;

namespace NannyOrleans.Silo;

/// <summary>Silos that are gone, as soon as this process can know: what was there of grains begins anew on others, and knows no agent's session.</summary>
public sealed class SiloDepartures : IDisposable
{
    private TaskCompletionSource next = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenSource death = new();

    /// <summary>Ends when a silo leaves, or has left a moment ago. Ask for the next one before acting on this one.</summary>
    public Task Next => Volatile.Read(ref next).Task;

    /// <summary>Is cancelled when a silo was declared dead by others.</summary>
    internal CancellationToken Death => Volatile.Read(ref death).Token;

    /// <inheritdoc/>
    public void Dispose() => death.Dispose();

    /// <summary>Tells who waits that a silo is gone.</summary>
    /// <param name="isDeath">Whether others had to find out: what it was asked may never be answered.</param>
    public void Tell(bool isDeath)
    {
        if (isDeath)
        {
            using var now = Interlocked.Exchange(ref death, new());
            now.Cancel();
        }

        Interlocked.Exchange(ref next, new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
    }
}

/// <summary>
/// Reads the silos' own table once a second. Each departure is told twice: what is asked between the first time and the moment that the last
/// silo knows of it may go to the one that is gone, too.
/// </summary>
internal sealed partial class DepartureWatch(NpgsqlDataSource database, SiloDepartures departures, TimeProvider clock, ILogger<DepartureWatch> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var tick = new PeriodicTimer(Period, clock);
        var (known, again) = ((HashSet<Departure>?)null, new List<Departure>());
        do
        {
            try
            {
                var there = await Read(stoppingToken);
                Departure[] fresh = [.. there.Where(one => known?.Contains(one) is false)];
                if (fresh.Length + again.Count > 0)
                {
                    departures.Tell(isDeath: fresh.Concat(again).Any(one => one.IsDeath));
                }

                known = there;
                again = [.. fresh];
            }
            catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
            {
                // The top of a loop. Without the database no silo is declared dead either.
                LogNotRead(failure.Message);
            }
        }
        while (await tick.WaitForNextTickAsync(stoppingToken));
    }

    private async Task<HashSet<Departure>> Read(CancellationToken stoppingToken)
    {
        await using var command = database.CreateCommand(Silos);
        await using var rows = await command.ExecuteReaderAsync(stoppingToken);
        var all = new HashSet<Departure>();
        while (await rows.ReadAsync(stoppingToken))
        {
            all.Add(new(rows.GetString(0), rows.GetInt32(1), rows.GetBoolean(2)));
        }

        return all;
    }

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    // Stopping (4, 5) or dead (6). One that has stopped of itself names itself as the first who suspected it, and has answered all that it was asked.
    private const string Silos = """
        SELECT silo, Status, Status = 6 AND starts_with(coalesce(SuspectTimes, ''), silo || ',') IS FALSE
        FROM OrleansMembership, LATERAL (SELECT concat(Address, ':', Port, '@', Generation) AS silo) AS named
        WHERE Status IN (4, 5, 6)
        """;

    private sealed record Departure(string Silo, int Status, bool IsDeath);

    [LoggerMessage(3041, LogLevel.Warning, "Which silos are gone could not be read: {Reason}", EventName = "DeparturesNotRead")]
    private partial void LogNotRead(string reason);
}

/// <summary>
/// Ends the calls of a process without a silo that wait when a silo dies: each may have been one of those that nobody will answer any more, and
/// would be waited for until its 30 s are over. Silos do so for their own calls, but a client does not know which silo has its call. Whoever
/// called does not know what became of it, as with any call that is not answered; what is asked of grains can be asked again.
/// </summary>
internal sealed class LostCalls(SiloDepartures departures) : IOutgoingGrainCallFilter
{
    public async Task Invoke(IOutgoingGrainCallContext context)
    {
        var death = departures.Death;
        var call = context.Invoke();
        try
        {
            await call.WaitAsync(death);
        }
        catch (OperationCanceledException) when (death.IsCancellationRequested && !call.IsCompleted)
        {
            call.Ignore();
            throw new SiloUnavailableException($"A silo died while {context.InterfaceName}.{context.MethodName} was waited for; whether it was carried out is not known.");
        }
    }
}
