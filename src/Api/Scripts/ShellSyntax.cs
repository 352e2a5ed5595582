using System.ComponentModel;
using System.Diagnostics;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Api.Scripts;

/// <summary>Has the shell of this machine read a script without running it.</summary>
internal static class ShellSyntax
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);

    /// <summary>What <c>sh -n</c> says of it.</summary>
    public static async Task<Check> Check(ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        using var shell = new Process
        {
            StartInfo = new("/bin/sh", ["-n"]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true },
        };
        try
        {
            shell.Start();
        }
        catch (Win32Exception missing)
        {
            return new("syntax", CheckResult.Unknown, $"There is no /bin/sh on the server: {missing.Message}.", "Check it with: sh -n FILE");
        }

        try
        {
            var said = shell.StandardError.ReadToEndAsync(limit.Token);
            try
            {
                await shell.StandardInput.BaseStream.WriteAsync(content, limit.Token);
                shell.StandardInput.Close();
            }
            catch (IOException)
            {
                // It has read enough to know that it is wrong.
            }

            var text = (await said).Trim();
            await shell.WaitForExitAsync(limit.Token);
            return shell.ExitCode is 0
                ? new("syntax", CheckResult.Ok, "sh -n can read it.", null)
                : new("syntax", CheckResult.Problem, $"sh -n says: {(text.Length > 500 ? text[..500] : text)}", "It must be POSIX sh: Alpine has no bash.");
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            shell.Kill(entireProcessTree: true);
            return new("syntax", CheckResult.Unknown, $"sh -n took longer than {Limit.TotalSeconds:0} s.", null);
        }
    }
}
