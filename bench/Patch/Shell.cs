using System.Diagnostics;

namespace NannyOrleans.Bench.Patch;

/// <summary>Runs what a person would type on the host.</summary>
internal static class Shell
{
    /// <summary>Runs it to its end and gives what it printed.</summary>
    /// <param name="script">For <c>sh</c>; the lab's lxcpath is in <c>$LXC</c>.</param>
    /// <param name="host">Where: its commands come first on the search path.</param>
    /// <param name="environment">Further variables.</param>
    public static async Task<string> Run(string script, LabHost host, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo("/bin/sh", ["-c", script])
        {
            WorkingDirectory = "/",
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["PATH"] = host.SearchPath, ["LXC"] = host.LxcPath },
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return process.ExitCode is 0 ? await output : throw new InvalidOperationException($"`{script}` exited with {process.ExitCode}: {await output}{await error}");
    }
}
