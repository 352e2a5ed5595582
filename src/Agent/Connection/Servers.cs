using System.Net;
using System.Net.Http.Headers;

namespace NannyOrleans.Agent.Connection;

/// <summary>The servers of the one installation this agent belongs to. Whatever one of them is asked, another may answer.</summary>
/// <param name="servers">All of them, in the order in which this agent turns to them.</param>
/// <param name="http">Asks them.</param>
/// <param name="clock">Times.</param>
internal sealed class Servers(Uri[] servers, HttpClient http, TimeProvider clock)
{
    private readonly long began = clock.GetTimestamp();
    private readonly Lock gate = new();
    private ServerChoice choice = ServerChoice.Begin(servers.Length);

    /// <summary>The server to connect to now.</summary>
    public Uri ToConnect()
    {
        lock (gate)
        {
            choice = choice.At(Now);
            return servers[choice.Current];
        }
    }

    /// <summary>The connection to it ended, or there was none.</summary>
    /// <returns>How long to wait before the next attempt.</returns>
    public TimeSpan Ended(bool lasted, TimeSpan? asked)
    {
        lock (gate)
        {
            (choice, var wait) = choice.Ended(lasted, asked, Now, Random.Shared.NextDouble());
            return wait;
        }
    }

    /// <summary>
    /// Asks one server after the other until one answers that is not out of order. What is asked must do no harm when it is asked twice.
    /// </summary>
    /// <exception cref="HttpRequestException">None did.</exception>
    /// <exception cref="TaskCanceledException">The last of them took too long.</exception>
    public async Task<HttpResponseMessage> Send(Func<Uri, HttpRequestMessage> request, CancellationToken cancellationToken)
    {
        var order = ToAsk();
        for (var i = 0; ; i++)
        {
            try
            {
                using var message = request(servers[order[i]]);
                var answer = await http.SendAsync(message, cancellationToken);
                if (!IsOutOfOrder(answer.StatusCode))
                {
                    return answer;
                }

                Rest(order[i], Asked(answer.Headers.RetryAfter, clock));
                if (i == order.Count - 1)
                {
                    return answer;
                }

                answer.Dispose();
            }
            catch (Exception e) when (e is HttpRequestException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                Rest(order[i], null);
                if (i == order.Count - 1)
                {
                    throw;
                }
            }
        }
    }

    /// <summary>For how long an answer asks to be left alone; null when it does not say.</summary>
    public static TimeSpan? Asked(RetryConditionHeaderValue? header, TimeProvider clock) => header switch
    {
        { Delta: { } time } => time,
        { Date: { } date } when date > clock.GetUtcNow() => date - clock.GetUtcNow(),
        _ => null,
    };

    // Of 500 another process may know better, too: its own way to the database or to the silos may be all that is wrong.
    private static bool IsOutOfOrder(HttpStatusCode status) => status is >= HttpStatusCode.InternalServerError or HttpStatusCode.TooManyRequests;

    private IReadOnlyList<int> ToAsk()
    {
        lock (gate)
        {
            return choice.ToAsk(Now) is { Count: > 0 } order ? order : throw new HttpRequestException("every server asked to be left alone for a while");
        }
    }

    private void Rest(int server, TimeSpan? asked)
    {
        lock (gate)
        {
            choice = choice.Rested(server, asked, Now);
        }
    }

    private TimeSpan Now => clock.GetElapsedTime(began);
}
