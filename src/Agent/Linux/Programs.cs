using System.ComponentModel;
using System.Globalization;
using System.Text;
using CliWrap;

namespace NannyOrleans.Agent.Linux;

/// <summary>How a program ended.</summary>
/// <param name="ExitCode">Its exit code; null when it could not be started or took too long.</param>
/// <param name="Output">The beginning of its standard output, invalid UTF-8 replaced.</param>
/// <param name="Error">The beginning of its standard error, invalid UTF-8 replaced.</param>
/// <param name="Problem">Why it is no success, in a person's words; null when the exit code is 0.</param>
internal sealed record ProgramEnd(int? ExitCode, string Output, string Error, string? Problem);

/// <summary>Runs the host's programs: short ones, whose output fits into memory. Arguments are a list, never a shell's string.</summary>
internal sealed class Programs(Host host)
{
    /// <summary>The program's path, found through the host's search path; null when there is none.</summary>
    public string? Find(string name) =>
        host.SearchPath.Split(':', StringSplitOptions.RemoveEmptyEntries).Select(directory => Path.Combine(directory, name)).FirstOrDefault(File.Exists);

    /// <summary>Runs a program to its end in <c>/</c>, with no input unless a file is given.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="limit">After this it and everything it started is killed.</param>
    /// <param name="outputLimit">Bytes kept of each of its outputs; the rest is read and dropped.</param>
    /// <param name="cancellationToken">Kills it, too.</param>
    /// <param name="shown">What a problem calls it; null for its name and arguments.</param>
    /// <param name="input">The file that is its standard input.</param>
    public async Task<ProgramEnd> Run(
        string name, IReadOnlyList<string> arguments, TimeSpan limit, int outputLimit, CancellationToken cancellationToken, string? shown = null, string? input = null)
    {
        shown ??= $"{name} {string.Join(' ', arguments)}";
        if (Find(name) is not { } path)
        {
            return new(null, string.Empty, string.Empty, $"{shown}: there is no {name} in {host.SearchPath}");
        }

        var (output, error) = (string.Empty, string.Empty);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(limit);
        try
        {
            var result = await Cli.Wrap(path).WithArguments(arguments).WithWorkingDirectory("/")
                .WithStandardInputPipe(input is null ? PipeSource.Null : PipeSource.FromFile(input))
                .WithEnvironmentVariables(OnlyTheHosts())
                .WithStandardOutputPipe(PipeTarget.Create(async (stream, stop) => output = await ReadBeginning(stream, outputLimit, stop)))
                .WithStandardErrorPipe(PipeTarget.Create(async (stream, stop) => error = await ReadBeginning(stream, outputLimit, stop)))
                .WithValidation(CommandResultValidation.None)
                .ExecuteAsync(deadline.Token);
            return Ended(shown, result.ExitCode, output, error);
        }
        catch (Win32Exception e)
        {
            return new(null, string.Empty, string.Empty, $"{shown}: {e.Message}");
        }
        catch (OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return new(null, string.Empty, string.Empty, $"{shown}: no end within {limit.TotalSeconds:0.#} s");
        }
    }

    /// <summary>
    /// Runs a program that changes the host: where systemd runs, in a unit of its own, since what the agent's unit is kept from would reach
    /// it otherwise. A storage that it mounts would be seen by the agent alone.
    /// </summary>
    public Task<ProgramEnd> RunApart(string name, IReadOnlyList<string> arguments, TimeSpan limit, int outputLimit, CancellationToken cancellationToken)
    {
        if (!TransientUnit.Possible(host))
        {
            return Run(name, arguments, limit, outputLimit, cancellationToken);
        }

        var shown = $"{name} {string.Join(' ', arguments)}";
        var unit = new TransientUnit($"nannyagent-{name}-{Guid.NewGuid():N}", $"{shown} of nannyagent");
        return Run("systemd-run", unit.Awaited(host, limit, [name, .. arguments]), limit + UnitLimit, outputLimit, cancellationToken, shown);
    }

    // Null takes away: what is not named would be inherited.
    private Dictionary<string, string?> OnlyTheHosts()
    {
        var variables = Environment.GetEnvironmentVariables().Keys.Cast<string>().ToDictionary(name => name, _ => (string?)null);
        foreach (var (name, value) in host.Environment)
        {
            variables[name] = value;
        }

        return variables;
    }

    private static ProgramEnd Ended(string shown, int code, string output, string error)
    {
        if (code is 0)
        {
            return new(0, output, error, null);
        }

        var reason = string.Join("; ", error.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Take(3));
        return new(code, output, error, string.Create(CultureInfo.InvariantCulture, $"{shown}: exit code {code}: {PlainText.Of(reason)}"));
    }

    private static readonly TimeSpan UnitLimit = TimeSpan.FromSeconds(10);

    private static async Task<string> ReadBeginning(Stream stream, int limit, CancellationToken cancellationToken)
    {
        using var kept = new MemoryStream();
        var buffer = new byte[4096];
        while (await stream.ReadAsync(buffer, cancellationToken) is > 0 and var read)
        {
            kept.Write(buffer, 0, Math.Min(read, limit - (int)kept.Length));
        }

        return Encoding.UTF8.GetString(kept.GetBuffer(), 0, (int)kept.Length);
    }
}
