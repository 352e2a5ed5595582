namespace NannyOrleans.Tests.Support;

/// <summary>Waiting with an end, and with words for it when it comes.</summary>
internal static class Waiting
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    public static async Task<T> Within<T>(this Task<T> task, string waitedFor)
    {
        await ((Task)task).Within(waitedFor);
        return await task;
    }

    public static async Task Within(this Task task, string waitedFor)
    {
        try
        {
            await task.WaitAsync(Limit);
        }
        catch (TimeoutException) when (!task.IsCompleted)
        {
            throw new TimeoutException($"Waited {Limit.TotalSeconds} s for {waitedFor}.");
        }
    }

    /// <summary>For what has no event of its own, such as an answer of the server that changes: asks until it is the awaited one.</summary>
    public static async Task<T> Until<T>(Func<Task<T>> ask, Func<T, bool> isThere, string waitedFor)
    {
        using var limit = new CancellationTokenSource(Limit);
        using var turn = new PeriodicTimer(TimeSpan.FromMilliseconds(50)); // each question may start a process
        while (true)
        {
            var answer = await ask();
            if (isThere(answer))
            {
                return answer;
            }

            if (limit.IsCancellationRequested)
            {
                throw new TimeoutException($"Waited {Limit.TotalSeconds} s for {waitedFor}. The last answer was:\n{answer}");
            }

            await turn.WaitForNextTickAsync(CancellationToken.None);
        }
    }
}
