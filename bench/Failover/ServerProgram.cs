using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace NannyOrleans.Bench.Failover;

/// <summary>A server as a process that gets signals and, as by a service manager, is started again.</summary>
internal sealed class ServerProgram(string program, int port, IReadOnlyDictionary<string, string> environment) : IDisposable
{
    private readonly List<string> said = [];
    private Process? process;

    /// <summary>The port by which silos know it; of an Api where it listens.</summary>
    public int Port => port;

    public bool HasExited => process!.HasExited;

    /// <summary>All it has said in all its lives.</summary>
    public string Log
    {
        get
        {
            lock (said)
            {
                return string.Join('\n', said);
            }
        }
    }

    /// <summary>A port that nobody listens at, below those that outgoing connections get.</summary>
    public static int FreePort()
    {
        while (true)
        {
            using var probe = new TcpListener(IPAddress.Loopback, RandomNumberGenerator.GetInt32(15000, 32000));
            try
            {
                probe.Start();
                return ((IPEndPoint)probe.LocalEndpoint).Port;
            }
            catch (SocketException)
            {
                // somebody has it
            }
        }
    }

    /// <summary>Starts it and waits until it is up.</summary>
    public async Task Start()
    {
        var start = new ProcessStartInfo("setpriv", ["--pdeathsig", "KILL", "dotnet", program]) { WorkingDirectory = "/", RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        var up = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        process?.Dispose();
        process = Launcher.Start(start);
        process.OutputDataReceived += (_, line) => Take(line.Data);
        process.ErrorDataReceived += (_, line) => Take(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        if (await Task.WhenAny(up.Task, process.WaitForExitAsync(), Task.Delay(TimeSpan.FromMinutes(3))) != up.Task)
        {
            throw new InvalidOperationException($"{program} does not start:\n{Log}");
        }

        void Take(string? line)
        {
            lock (said)
            {
                said.Add(line ?? string.Empty);
            }

            if (line?.Contains("Application started", StringComparison.Ordinal) is true)
            {
                up.TrySetResult();
            }
        }
    }

    /// <summary>Sends it a signal: KILL, STOP, CONT or TERM.</summary>
    public async Task Signal(string signal)
    {
        using var kill = Process.Start("kill", ["-s", signal, $"{process!.Id}"]);
        await kill.WaitForExitAsync();
    }

    /// <summary>Its exit code once it has ended; null when it has not in time.</summary>
    public async Task<int?> Exit(TimeSpan within)
    {
        using var limit = new CancellationTokenSource(within);
        try
        {
            await process!.WaitForExitAsync(limit.Token);
            return process.ExitCode;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }

    public void Dispose()
    {
        if (process is { HasExited: false })
        {
            process.Kill();
            process.WaitForExit();
        }

        process?.Dispose();
    }
}
