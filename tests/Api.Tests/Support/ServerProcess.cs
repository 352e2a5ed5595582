using System.Collections.Concurrent;
using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;

namespace NannyOrleans.Api.Tests.Support;

/// <summary>The real server as a process of its own, on free ports. Ended with the test run, however that ends.</summary>
public sealed class ServerProcess : IAsyncDisposable
{
    private static readonly string Program = typeof(ServerProcess).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(one => one.Key is "nanny-api").Value!;

    private readonly Process process;
    private readonly ConcurrentQueue<string> output = new();
    private readonly TaskCompletionSource<Uri> listening = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int streams = 2;

    private ServerProcess(ProcessStartInfo start)
    {
        process = new() { StartInfo = start };
        process.OutputDataReceived += (_, line) => Take(line.Data);
        process.ErrorDataReceived += (_, line) => Take(line.Data);
    }

    public Uri Url { get; private set; } = null!;

    /// <summary>All it has written so far, logs and console.</summary>
    public IReadOnlyCollection<string> Output => output;

    /// <summary>Starts it over a data directory and waits until it listens.</summary>
    public static async Task<ServerProcess> Start(string dataDirectory, string? adminPassword)
    {
        var program = Path.GetFullPath(Program);
        Assert.True(File.Exists(program), $"{program} is not built.");
        var start = new ProcessStartInfo("setpriv", ["--pdeathsig", "KILL", Dotnet(), program])
        {
            WorkingDirectory = Path.GetDirectoryName(program),
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var ambient in start.Environment.Keys.Where(name => name.StartsWith("NANNY_", StringComparison.Ordinal) || name.StartsWith("ASPNETCORE_", StringComparison.Ordinal)).ToArray())
        {
            start.Environment.Remove(ambient);
        }

        start.Environment["NANNY_urls"] = "http://127.0.0.1:0";
        start.Environment["NANNY_Silo__Port"] = "0";
        start.Environment["NANNY_Silo__DataDirectory"] = dataDirectory;
        if (adminPassword is not null)
        {
            start.Environment["NANNY_ADMIN_PASSWORD"] = adminPassword;
        }

        var server = new ServerProcess(start);
        await Launcher.Start(server.process);
        server.process.BeginOutputReadLine();
        server.process.BeginErrorReadLine();
        server.Url = await server.listening.Task.Within("the server to listen");
        return server;
    }

    /// <summary>kill -9: nothing is said to it and nothing is saved.</summary>
    public async Task Kill()
    {
        process.Kill();
        await process.WaitForExitAsync().Within("the killed server to be gone");
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
        const string Listening = "Now listening on: ";
        if (line is null)
        {
            // Both ends of its output are closed: it is gone. Without effect when it had been listening.
            if (Interlocked.Decrement(ref streams) is 0)
            {
                listening.TrySetException(new InvalidOperationException($"The server ended before it listened:\n{string.Join('\n', output)}"));
            }

            return;
        }

        output.Enqueue(line);
        if (line.IndexOf(Listening, StringComparison.Ordinal) is >= 0 and var at)
        {
            listening.TrySetResult(new(line[(at + Listening.Length)..]));
        }
    }

    /// <summary>The dotnet that runs this, which need not be the one on the search path.</summary>
    private static string Dotnet() => Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "../../../dotnet"));

    /// <summary>
    /// Starts all servers from one thread that lasts as long as this process: what setpriv asks for is death with the parent's thread,
    /// and the pool's threads come and go.
    /// </summary>
    private static class Launcher
    {
        private static readonly BlockingCollection<Action> Waiting = Run();

        public static Task Start(Process process)
        {
            var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Waiting.Add(() =>
            {
                try
                {
                    process.Start();
                    started.SetResult();
                }
                catch (Exception failure)
                {
                    started.SetException(failure);
                }
            });
            return started.Task;
        }

        private static BlockingCollection<Action> Run()
        {
            var waiting = new BlockingCollection<Action>();
            new Thread(() =>
            {
                foreach (var action in waiting.GetConsumingEnumerable())
                {
                    action();
                }
            })
            { IsBackground = true, Name = "server launcher" }.Start();
            return waiting;
        }
    }
}
