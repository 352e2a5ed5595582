namespace NannyOrleans.Api.Tests.Support;

/// <summary>Waiting with an end, and with words for it when it comes.</summary>
internal static class Eventually
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

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
        catch (TimeoutException)
        {
            throw new TimeoutException($"Waited {Limit.TotalSeconds} s for {waitedFor}.");
        }
    }

    /// <summary>For what has no event of its own: an answer of the server that changes. Each question is the pause before the next.</summary>
    public static async Task<T> Until<T>(Func<Task<T>> ask, Func<T, bool> isThere, string waitedFor)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (true)
        {
            if (await ask() is var answer && isThere(answer))
            {
                return answer;
            }

            Assert.False(limit.IsCancellationRequested, $"Waited {Limit.TotalSeconds} s for {waitedFor}.");
        }
    }
}
