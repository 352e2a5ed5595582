using System.Text.Json;

namespace NannyOrleans.Api.Dashboard.Calls;

/// <summary>Something that a page has read, as it was the last time it could be: what can't be read now is not shown as if it were the present.</summary>
/// <typeparam name="T">What it is.</typeparam>
public sealed class Reading<T>
    where T : class
{
    /// <summary>What was read last; null before.</summary>
    public T? Value { get; private set; }

    /// <summary>Of a page of a list, how many there are in all; null where that is not said.</summary>
    public int? Total { get; private set; }

    /// <summary>When that was.</summary>
    public DateTimeOffset At { get; private set; }

    /// <summary>Why it can't be read now; null when it can.</summary>
    public ApiProblem? Problem { get; private set; }

    private string? asked;
    private string? read;

    /// <summary>Is told what is about to be read. What was read of another thing is not kept until then.</summary>
    /// <param name="path">The path with its query.</param>
    public void Ask(string path)
    {
        if (read is not null && ThingOf(read) != ThingOf(path))
        {
            Forget();
        }

        asked = path;
    }

    /// <summary>Takes an answer.</summary>
    /// <returns>Whether it could be read.</returns>
    public bool Take(ApiAnswer answer, DateTimeOffset now)
    {
        Problem = answer.Problem;
        if (Problem is null)
        {
            try
            {
                (Value, Total, At, read) = (answer.Read<T>(), answer.Total, now, asked);
            }
            catch (JsonException)
            {
                Problem = new(answer.Status, "unreadable", "What the server has answered can't be read.", new Dictionary<string, string[]>());
            }
        }

        // What another question was answered with is no older answer to this one.
        if (Problem is not null && read != asked)
        {
            Forget();
        }

        return Problem is null;
    }

    private void Forget() => (Value, Total, At, read) = (null, null, default, null);

    private static string ThingOf(string path) => path.Split('?')[0];
}
