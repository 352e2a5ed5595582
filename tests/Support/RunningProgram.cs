using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace NannyOrleans.Tests.Support;

/// <summary>A program as a process of its own, started as a service manager does: from another directory. It dies with the test run, however that ends.</summary>
internal sealed class RunningProgram : IAsyncDisposable
{
    private readonly Process process;
    private readonly string name;
    private readonly List<string> lines = [];
    private readonly List<(string Text, TaskCompletionSource<string> Seen)> awaited = [];

    /// <param name="command">The program and its arguments.</param>
    /// <param name="environment">What it gets beside the environment of the tests, which is kept clean of settings for our programs.</param>
    public RunningProgram(IEnumerable<string> command, IReadOnlyDictionary<string, string> environment)
    {
        name = string.Join(' ', command);
        var start = new ProcessStartInfo("setpriv", ["--pdeathsig", "KILL", .. command])
        {
            WorkingDirectory = "/",
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var ambient in start.Environment.Keys.Where(key => key.StartsWith("NANNY_", StringComparison.Ordinal) || key.StartsWith("ASPNETCORE_", StringComparison.Ordinal)).ToArray())
        {
            start.Environment.Remove(ambient);
        }

        // The runtime that runs this, .../shared/Microsoft.NETCore.App/10.0.0/, need not be the one that is installed.
        start.Environment["DOTNET_ROOT"] = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../.."));
        foreach (var (key, value) in environment)
        {
            start.Environment[key] = value;
        }

        process = Launcher.Start(start);
        process.OutputDataReceived += (_, line) => Take(line.Data);
        process.ErrorDataReceived += (_, line) => Take(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>All it has said so far, to standard output and to standard error.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (lines)
            {
                return [.. lines];
            }
        }
    }

    public string Log => string.Join('\n', Lines);

    /// <summary>The first line that contains <paramref name="text"/>, once it has said it.</summary>
    /// <exception cref="InvalidOperationException">It ended without.</exception>
    public async Task<string> Line(string text)
    {
        var seen = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (lines)
        {
            if (lines.Find(line => line.Contains(text, StringComparison.Ordinal)) is { } said)
            {
                return said;
            }

            awaited.Add((text, seen));
        }

        await WithLog(Task.WhenAny(seen.Task, process.WaitForExitAsync()).Within($"'{text}'"));
        return seen.Task.IsCompleted ? await seen.Task
            : throw new InvalidOperationException($"{name} ended with {process.ExitCode} and has not said '{text}', but:\n{Log}");
    }

    /// <summary>Its process id.</summary>
    public int Id => process.Id;

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => process.HasExited;

    /// <summary>Ends it as a power cut does: no signal handler runs, nothing is saved.</summary>
    public Task Kill()
    {
        process.Kill();
        return Exit();
    }

    /// <summary>Ends it as a service manager does.</summary>
    public async Task<int> Terminate()
    {
        await AskToEnd();
        return await Exit();
    }

    /// <summary>Tells it to end, as a service manager does, and does not wait for it.</summary>
    public Task AskToEnd() => Signal("TERM");

    /// <summary>Sends it a signal, such as STOP: it stays where it is, its connections stay open, and nothing answers.</summary>
    public async Task Signal(string name)
    {
        using var kill = Process.Start("kill", ["-s", name, $"{process.Id}"]);
        await kill.WaitForExitAsync();
    }

    /// <summary>Its exit code, once it has ended.</summary>
    public async Task<int> Exit()
    {
        await WithLog(process.WaitForExitAsync().Within("its end"));
        return process.ExitCode;
    }

    /// <summary>A wait for something this program has to do: one that takes too long tells what the program has said.</summary>
    public async Task<T> WithLog<T>(Task<T> wait)
    {
        await WithLog((Task)wait);
        return await wait;
    }

    public async Task WithLog(Task wait)
    {
        try
        {
            await wait;
        }
        catch (TimeoutException late)
        {
            throw new TimeoutException($"{late.Message}\n{name} has said:\n{Log}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            await Kill();
        }

        process.Dispose();
    }

    private void Take(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (lines)
        {
            lines.Add(line);
            foreach (var (_, seen) in awaited.Where(one => line.Contains(one.Text, StringComparison.Ordinal)))
            {
                seen.TrySetResult(line);
            }
        }
    }

    /// <summary>
    /// Starts processes from one thread that lives as long as this process. The kernel takes "the parent died" to mean the thread that
    /// started them, and a thread of the pool dies of idleness.
    /// </summary>
    private static class Launcher
    {
        private static readonly BlockingCollection<(ProcessStartInfo Start, TaskCompletionSource<Process> Started)> Orders = [];

        static Launcher() => new Thread(() =>
        {
            foreach (var (start, started) in Orders.GetConsumingEnumerable())
            {
                try
                {
                    started.SetResult(Process.Start(start)!);
                }
                catch (Exception failure)
                {
                    started.SetException(failure);
                }
            }
        })
        { IsBackground = true, Name = "Launcher" }.Start();

        public static Process Start(ProcessStartInfo start)
        {
            var started = new TaskCompletionSource<Process>();
            Orders.Add((start, started));
            return started.Task.GetAwaiter().GetResult();
        }
    }
}
