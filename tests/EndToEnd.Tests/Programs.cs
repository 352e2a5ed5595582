using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using System.Threading.Channels;
using CliWrap;
using CliWrap.Buffered;

namespace NannyOrleans.EndToEnd.Tests;

/// <summary>The built programs, as a person would start them.</summary>
internal static class Programs
{
    private static readonly string Output = AppContext.BaseDirectory[(AppContext.BaseDirectory.IndexOf("/bin/", StringComparison.Ordinal) + 1)..];

    private static readonly string Repository = AppContext.BaseDirectory[..AppContext.BaseDirectory.IndexOf("/tests/EndToEnd.Tests/", StringComparison.Ordinal)];

    /// <summary>A program's path in its own project's output, of the same configuration as these tests.</summary>
    public static string PathOf(string project, string file) => Path.Combine(Repository, "src", project, Output, file);

    /// <summary>Runs a program to its end; throws with what it said when it failed.</summary>
    public static async Task<string> Run(string program, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string?>? environment = null)
    {
        var result = await Cli.Wrap(program).WithArguments(arguments).WithEnvironmentVariables(environment ?? new Dictionary<string, string?>())
            .WithValidation(CommandResultValidation.None).ExecuteBufferedAsync();
        return result.IsSuccess
            ? result.StandardOutput
            : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)} exited with {result.ExitCode}: {result.StandardError}{result.StandardOutput}");
    }
}

/// <summary>A program that runs until it is ended. It dies with the test run, however that ends.</summary>
internal sealed class RunningProgram : IDisposable
{
    private readonly Process process;
    private readonly Channel<string> lines = Channel.CreateUnbounded<string>();
    private readonly StringBuilder log = new();

    public RunningProgram(string program, IReadOnlyList<string> arguments, IReadOnlyDictionary<string, string?> environment)
    {
        var start = new ProcessStartInfo("setpriv", ["--pdeathsig", "KILL", program, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        process = Launcher.Start(start);
        process.OutputDataReceived += (_, line) => Take(line.Data);
        process.ErrorDataReceived += (_, line) => Take(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>All it has said so far.</summary>
    public string Log
    {
        get
        {
            lock (log)
            {
                return log.ToString();
            }
        }
    }

    /// <summary>The next line that contains <paramref name="text"/>.</summary>
    public async Task<string> Line(string text)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(90));
        try
        {
            await foreach (var line in lines.Reader.ReadAllAsync(limit.Token))
            {
                if (line.Contains(text, StringComparison.Ordinal))
                {
                    return line;
                }
            }
        }
        catch (OperationCanceledException)
        {
        }

        throw new TimeoutException($"It never said '{text}', but:\n{Log}");
    }

    /// <summary>Ends it as a power cut would: no signal handler runs.</summary>
    public void Kill()
    {
        process.Kill();
        process.WaitForExit();
    }

    /// <summary>Waits for its end.</summary>
    public async Task<int> Exit()
    {
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(90));
        return process.ExitCode;
    }

    public void Dispose()
    {
        if (!process.HasExited)
        {
            Kill();
        }

        process.Dispose();
    }

    private void Take(string? line)
    {
        if (line is not null)
        {
            lock (log)
            {
                log.AppendLine(line);
            }

            lines.Writer.TryWrite(line);
        }
    }
}

/// <summary>
/// Starts processes from one thread that lives as long as this process. The kernel takes "the parent died" to mean the thread that
/// started them, and a thread of the pool dies of idleness.
/// </summary>
internal static class Launcher
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
            catch (Exception e)
            {
                started.SetException(e);
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
