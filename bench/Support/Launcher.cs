using System.Diagnostics;

namespace NannyOrleans.Bench;

/// <summary>
/// Starts programs that die with the benchmark. The kernel takes "the parent died" (<c>setpriv --pdeathsig</c>) to mean the thread that
/// started them, and a thread of the pool dies of idleness: each has a thread that waits for ever.
/// </summary>
internal static class Launcher
{
    /// <summary>Starts one.</summary>
    public static Process Start(ProcessStartInfo start)
    {
        var started = new TaskCompletionSource<Process>();
        new Thread(() =>
        {
            started.SetResult(Process.Start(start)!);
            Thread.Sleep(Timeout.Infinite);
        })
        { IsBackground = true }.Start();
        return started.Task.GetAwaiter().GetResult();
    }
}
