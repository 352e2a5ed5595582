using System.Diagnostics;

namespace NannyOrleans.Bench;

/// <summary>The lab as a program: the benchmarks know it by its commands alone.</summary>
internal static class LabProgram
{
    /// <summary>Where it is.</summary>
    public static string Path => $"{BenchServer.Repository}/src/Lab/bin/Release/net10.0/nanny-lab.dll";

    /// <summary>Runs a verb; gives what it prints.</summary>
    /// <param name="directory">The lab.</param>
    /// <param name="arguments">The verb and what belongs to it.</param>
    public static async Task<string> Run(string directory, params string[] arguments)
    {
        using var lab = Process.Start(new ProcessStartInfo("dotnet", [Path, .. arguments, "--dir", directory]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var printed = lab.StandardOutput.ReadToEndAsync();
        var said = await lab.StandardError.ReadToEndAsync();
        await lab.WaitForExitAsync();
        return lab.ExitCode is 0 ? await printed : throw new InvalidOperationException($"nanny-lab {arguments[0]} failed: {said}");
    }
}
