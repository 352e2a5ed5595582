namespace NannyOrleans.Agent.Tests.Support;

/// <summary>Waiting with an end, and with words for it when it comes.</summary>
public static class Eventually
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public static async Task<T> Within<T>(this Task<T> task, string waitedFor)
    {
        try
        {
            return await task.WaitAsync(Limit);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"Waited {Limit.TotalSeconds} s for {waitedFor}.");
        }
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

    /// <summary>For what has no event of its own: a file that another process writes.</summary>
    public static async Task Until(Func<bool> condition, string waitedFor)
    {
        using var limit = new CancellationTokenSource(Limit);
        while (!condition())
        {
            Assert.False(limit.IsCancellationRequested, $"Waited {Limit.TotalSeconds} s for {waitedFor}.");
            await Task.Yield();
            Thread.Yield();
        }
    }
}
