using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace NannyOrleans.Silo.Tests.Shapes;

/// <summary><c>nanny-silo</c> or <c>nanny-api</c> as a process, started the way a service manager does: from another directory.</summary>
internal sealed class ServerUnderTest : IAsyncDisposable
{
    private readonly Process process;
    private readonly StringBuilder output = new();
    private readonly List<(string Text, TaskCompletionSource Seen)> awaited = [];

    private ServerUnderTest(Process process) => this.process = process;

    /// <summary>Everything it has written to standard output and standard error.</summary>
    public string Output
    {
        get
        {
            lock (output)
            {
                return output.ToString();
            }
        }
    }

    /// <param name="program"><c>Silo</c> or <c>Api</c>.</param>
    /// <param name="settings">Environment variables.</param>
    /// <param name="before">A command to run it by, such as <c>unshare</c> with its options.</param>
    public static ServerUnderTest Start(string program, Dictionary<string, string> settings, params string[] before)
    {
        // .../shared/Microsoft.NETCore.App/10.0.0/ of the runtime that runs this test
        var dotnet = Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", "dotnet");
        string[] command = [.. before, Path.GetFullPath(dotnet), PathOf(program)];
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };
        foreach (var (name, value) in settings)
        {
            start.Environment[name] = value;
        }

        var server = new ServerUnderTest(new() { StartInfo = start });
        server.process.OutputDataReceived += (_, line) => server.Take(line.Data);
        server.process.ErrorDataReceived += (_, line) => server.Take(line.Data);
        server.process.Start();
        server.process.BeginOutputReadLine();
        server.process.BeginErrorReadLine();
        return server;
    }

    /// <summary>A port that nobody listens on at this moment.</summary>
    public static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    /// <summary>Waits until it has written this.</summary>
    public async Task Says(string text)
    {
        var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (output)
        {
            if (output.ToString().Contains(text, StringComparison.Ordinal))
            {
                return;
            }

            awaited.Add((text, seen));
        }

        if (await Task.WhenAny(seen.Task, process.WaitForExitAsync()).Within($"'{text}' in:\n{Output}") != seen.Task && !seen.Task.IsCompleted)
        {
            Assert.Fail($"It ended with {process.ExitCode} and has not said '{text}':\n{Output}");
        }
    }

    public async Task<int> Exit()
    {
        await process.WaitForExitAsync().Within($"its end; it has written:\n{Output}");
        return process.ExitCode;
    }

    /// <summary>Ends it as a power cut does.</summary>
    public async Task Kill()
    {
        process.Kill(entireProcessTree: true);
        await Exit();
    }

    /// <summary>Ends it as a service manager does.</summary>
    public async Task<int> Terminate()
    {
        using var kill = Process.Start("kill", ["-TERM", $"{process.Id}"]);
        await kill.WaitForExitAsync();
        return await Exit();
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
        lock (output)
        {
            output.AppendLine(line);
            var all = output.ToString();
            foreach (var (_, seen) in awaited.Where(one => all.Contains(one.Text, StringComparison.Ordinal)))
            {
                seen.TrySetResult();
            }
        }
    }

    private static string PathOf(string program)
    {
        // bin/Debug/net10.0 or bin/Release/net10.0, here as there
        var here = new DirectoryInfo(AppContext.BaseDirectory);
        var root = here;
        while (!File.Exists(Path.Combine(root.FullName, "NannyOrleans.sln")))
        {
            root = root.Parent ?? throw new InvalidOperationException("No NannyOrleans.sln above the test's own directory.");
        }

        return Path.Combine(root.FullName, "src", program, "bin", here.Parent!.Name, here.Name, $"nanny-{program.ToLowerInvariant()}.dll");
    }
}
