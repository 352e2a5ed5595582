using System.Data.Common;
using System.Net.Sockets;
using Microsoft.Extensions.Options;
using NannyOrleans.Silo.Storage;

namespace NannyOrleans.Silo;

/// <summary>The outermost frame of a server's process: what a person can mend is said in one line, without a stack trace.</summary>
public static class ServerProcess
{
    /// <summary>The argument with which a server brings the tables up to date and ends.</summary>
    public const string Migrate = "migrate";

    /// <summary>Runs a server to its end, or with <see cref="Migrate"/> as its first argument what comes before the start.</summary>
    /// <returns>The process's exit code: 0 when it was stopped, 1 when it could not start for a reason that is not a bug.</returns>
    public static async Task<int> Run(string[] args, Func<IHost> build)
    {
        PrivateFiles.ByDefault();
        var stopping = CancellationToken.None;
        try
        {
            var host = build();
            if (args is [Migrate, ..])
            {
                await MigrateTables(host);
                return 0;
            }

            stopping = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
            return await Stopped(host.RunAsync(), stopping);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested) // told to stop before it was up
        {
            return 0;
        }
        catch (Exception failure) when (Reason(failure) is { } reason)
        {
            await Console.Error.WriteLineAsync($"{AppDomain.CurrentDomain.FriendlyName}: {reason}");
            return 1;
        }
    }

    /// <summary>Waits for the server's end, from when it is told to stop no longer than it may take: where the database is away, a silo would try for minutes to write down that it goes.</summary>
    private static async Task<int> Stopped(Task running, CancellationToken stopping)
    {
        var told = new TaskCompletionSource();
        await using var _ = stopping.Register(told.SetResult);
        await Task.WhenAny(running, told.Task);
        if (await Task.WhenAny(running, Task.Delay(StopLimit, CancellationToken.None)) == running)
        {
            await running;
            return 0;
        }

        await Console.Error.WriteLineAsync($"{AppDomain.CurrentDomain.FriendlyName}: It could not take its leave within {StopLimit.TotalSeconds:0} s, and ends; the others will notice.");
        return 1;
    }

    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(25);

    private static async Task MigrateTables(IHost host)
    {
        using (host)
        {
            foreach (var migration in host.Services.GetServices<IHostedService>().OfType<ITablesMigration>())
            {
                await migration.StartAsync(CancellationToken.None);
            }
        }

        await Console.Out.WriteLineAsync("The tables are up to date.");
    }

    // Anything else is a bug, and its trace is wanted.
    internal static string? Reason(Exception failure) => failure switch
    {
        OptionsValidationException invalid => string.Join(" ", invalid.Failures),
        CannotStartException or DbException or SocketException => failure.Message,
        IOException { InnerException: not null } => failure.Message, // Kestrel's: an address that is in use
        _ => null,
    };
}

/// <summary>Something outside the program is not as it must be. The message is for a person.</summary>
public sealed class CannotStartException : Exception
{
    /// <summary>Says what, and where.</summary>
    public CannotStartException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
