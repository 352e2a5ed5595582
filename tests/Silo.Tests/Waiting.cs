namespace NannyOrleans.Silo.Tests;

/// <summary>Waiting with an end, and with words for it when it comes.</summary>
internal static class Waiting
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

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
}
