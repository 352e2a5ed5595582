using System.Diagnostics;
using System.Text;

namespace NannyOrleans.Scripts.Tests;

/// <summary>A process under way, with everything it has written so far.</summary>
internal sealed class Command : IAsyncDisposable
{
    /// <summary>What no single command of these tests comes near, even on a busy machine.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private readonly Process process;
    private readonly StringBuilder errors = new();
    private readonly List<(string Text, TaskCompletionSource Seen)> awaited = [];
    private readonly Task<string> output;
    private readonly Task errorReader;

    private Command(Process process)
    {
        this.process = process;
        output = process.StandardOutput.ReadToEndAsync();
        errorReader = ReadErrors();
    }

    /// <summary>Starts <paramref name="file"/>, with <paramref name="input"/> on its standard input.</summary>
    public static Command Start(string file, IReadOnlyList<string> arguments, string input = "")
    {
        var start = new ProcessStartInfo(file)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            // A label that is not UTF-8 must arrive as it was written.
            StandardInputEncoding = Encoding.Latin1,
            StandardOutputEncoding = Encoding.UTF8,
            StandardErrorEncoding = Encoding.Latin1,
        };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        var process = Process.Start(start)!;
        var command = new Command(process);
        try
        {
            process.StandardInput.Write(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading all of its input; its exit code says why.
        }

        return command;
    }

    /// <summary>Runs it to its end.</summary>
    public static async Task<CommandResult> Run(string file, IReadOnlyList<string> arguments, string input = "")
    {
        await using var command = Start(file, arguments, input);
        return await command.End();
    }

    /// <summary>Runs it to its end and fails unless it exits with 0.</summary>
    public static async Task<string> Succeed(string file, params IReadOnlyList<string> arguments)
    {
        var result = await Run(file, arguments);
        Assert.True(result.ExitCode is 0, $"{file} {string.Join(' ', arguments)} exited {result.ExitCode}: {result.Errors}");
        return result.Output;
    }

    /// <summary>Waits until it has written <paramref name="text"/> to standard error.</summary>
    public async Task HasSaid(string text)
    {
        var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (errors)
        {
            if (errors.ToString().Contains(text, StringComparison.Ordinal)) { return; }
            awaited.Add((text, seen));
        }

        await Task.WhenAny(seen.Task, errorReader).WaitAsync(Limit);
        Assert.True(seen.Task.IsCompleted, $"It ended without saying \"{text}\":\n{errors}");
    }

    /// <summary>Waits for its end.</summary>
    public async Task<CommandResult> End()
    {
        try
        {
            await process.WaitForExitAsync().WaitAsync(Limit);
            await errorReader.WaitAsync(Limit);
            return new(process.ExitCode, await output.WaitAsync(Limit), errors.ToString());
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"{process.StartInfo.FileName} has not ended, or left a process holding its output, after {Limit}:\n{errors}");
        }
    }

    /// <summary>Ends it, and nothing that it started.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            process.Kill();
            await process.WaitForExitAsync();
        }

        process.Dispose();
    }

    private async Task ReadErrors()
    {
        var buffer = new char[4096];
        int read;
        while ((read = await process.StandardError.ReadAsync(buffer)) > 0)
        {
            lock (errors)
            {
                errors.Append(buffer, 0, read);
                var text = errors.ToString();
                foreach (var wait in awaited.Where(wait => text.Contains(wait.Text, StringComparison.Ordinal)))
                {
                    wait.Seen.TrySetResult();
                }
            }
        }
    }
}

/// <summary>How a command ended.</summary>
internal sealed record CommandResult(int ExitCode, string Output, string Errors);
