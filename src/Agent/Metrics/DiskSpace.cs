using System.Runtime.InteropServices;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Agent.Metrics;

/// <summary>
/// How full file systems are. Asking one whose disk or server is gone may never come back, and nothing can end it: so that is done on a
/// thread of its own, and a place that holds it up is not asked again before it has answered.
/// </summary>
/// <param name="limit">How long all places together may take.</param>
/// <param name="clock">Waits.</param>
/// <param name="ask">How one is asked; null when it is not there.</param>
internal sealed partial class DiskSpace(TimeSpan limit, TimeProvider clock, Func<string, Usage?> ask)
{
    private readonly Dictionary<string, Task> stuck = new(StringComparer.Ordinal);

    /// <summary>Asks the kernel.</summary>
    public DiskSpace(TimeSpan limit)
        : this(limit, TimeProvider.System, Of)
    {
    }

    /// <summary>Asks for each place; null in the place of one that is not there or did not answer, which is then one of the problems.</summary>
    public async Task<Usage?[]> Measure(IReadOnlyList<string> paths, List<string> problems, CancellationToken cancellationToken)
    {
        if (paths.Count is 0)
        {
            return [];
        }

        var round = new Round(paths.Count);
        for (var i = 0; i < paths.Count; i++)
        {
            if (stuck.TryGetValue(paths[i], out var earlier))
            {
                round.Skip[i] = !earlier.IsCompleted;
                if (round.Skip[i])
                {
                    problems.Add($"{PlainText.Of(paths[i])} still does not say how full it is");
                }
                else
                {
                    stuck.Remove(paths[i]);
                }
            }
        }

        new Thread(() => Ask(paths, round)) { IsBackground = true, Name = "disk space" }.Start();
        try
        {
            await round.Done.Task.WaitAsync(limit, clock, cancellationToken);
            return round.Found;
        }
        catch (TimeoutException)
        {
            if (round.Done.Task.IsCompleted)
            {
                return round.Found;
            }

            // What the thread finds from now on is not waited for; what it has found so far is copied, since it may still write.
            var at = Math.Min(Volatile.Read(ref round.At), paths.Count - 1);
            stuck[paths[at]] = round.Done.Task;
            problems.Add($"{PlainText.Of(paths[at])} did not say within {limit.TotalSeconds:0.#} s how full it is");
            var found = new Usage?[paths.Count];
            Array.Copy(round.Found, found, at);
            round.GivenUp = true;
            return found;
        }
    }

    private void Ask(IReadOnlyList<string> paths, Round round)
    {
        for (var i = 0; i < paths.Count && !round.GivenUp; i++)
        {
            Volatile.Write(ref round.At, i);
            round.Found[i] = round.Skip[i] ? null : ask(paths[i]);
        }

        round.Done.SetResult();
    }

    // statvfs(3) of 64-bit Linux: eleven words and six ints.
    private static unsafe Usage? Of(string path)
    {
        var answer = stackalloc ulong[AnswerWords];
        if (StatVfs(path, answer) is not 0)
        {
            return null;
        }

        var (unit, blocks, free) = (answer[1], answer[2], answer[3]);
        var (total, left) = ((UInt128)unit * blocks, (UInt128)unit * free);
        return total <= long.MaxValue && left <= total ? new((long)(total - left), (long)total) : null;
    }

    private const int AnswerWords = 20; // some to spare

    [LibraryImport("libc", EntryPoint = "statvfs", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int StatVfs(string path, ulong* answer);

    private sealed class Round(int count)
    {
        public readonly bool[] Skip = new bool[count];
        public readonly Usage?[] Found = new Usage?[count];
        public readonly TaskCompletionSource Done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        public volatile bool GivenUp;
        public int At;
    }
}
