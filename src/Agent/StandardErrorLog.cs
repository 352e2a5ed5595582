using System.Globalization;
using Microsoft.Extensions.Logging;

namespace NannyOrleans.Agent;

/// <summary>One line for each event on standard error; journald's priorities where journald listens, a time where it does not.</summary>
internal sealed class StandardErrorLog(TextWriter output, bool journald, TimeProvider clock) : ILoggerProvider
{
    private readonly Lock gate = new();

    /// <summary>A factory that writes here: our own events from information up, the libraries' from warning.</summary>
    public static ILoggerFactory Create(TextWriter output, TimeProvider clock) => LoggerFactory.Create(builder => builder
        .SetMinimumLevel(LogLevel.Information)
        .AddFilter("Microsoft", LogLevel.Warning)
        .AddFilter("System", LogLevel.Warning)
        // A lost connection is said once, by the session, without thirty lines of stack at each attempt.
        .AddFilter("Microsoft.AspNetCore.Http.Connections", LogLevel.None)
        .AddProvider(new StandardErrorLog(output, Environment.GetEnvironmentVariable("JOURNAL_STREAM") is { Length: > 0 }, clock)));

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new Category(this, categoryName.StartsWith("NannyOrleans.", StringComparison.Ordinal));

    /// <inheritdoc/>
    public void Dispose()
    {
        // Standard error is not ours to close.
    }

    private void Write(LogLevel level, string message, Exception? exception, bool withStack)
    {
        // Messages carry text from containers and from the network: nothing of it may reach a terminal raw.
        var text = PlainText.Of(message, 2000);
        if (exception is not null && !withStack)
        {
            text = $"{text} {PlainText.Of(exception.Message)}"; // a library's stack says nothing about us, thirty lines at a time
        }
        else if (exception is not null)
        {
            text = $"{text}\n{PlainText.Lines(exception.ToString())}";
        }

        lock (gate)
        {
            foreach (var line in text.Split('\n'))
            {
                output.WriteLine(journald
                    ? $"<{Priority(level)}>{line}"
                    : string.Create(CultureInfo.InvariantCulture, $"{clock.GetUtcNow():yyyy-MM-dd HH:mm:ss}Z {Word(level)} {line}"));
            }

            output.Flush();
        }
    }

    // sd-daemon(3)
    private static int Priority(LogLevel level) => level switch
    {
        LogLevel.Critical => 2,
        LogLevel.Error => 3,
        LogLevel.Warning => 4,
        LogLevel.Information => 6,
        _ => 7,
    };

    private static string Word(LogLevel level) => level switch
    {
        LogLevel.Critical or LogLevel.Error => "error",
        LogLevel.Warning => "warn ",
        LogLevel.Information => "info ",
        _ => "debug",
    };

    private sealed class Category(StandardErrorLog log, bool isOurs) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel is not LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            log.Write(logLevel, formatter(state, exception), exception, isOurs);
    }
}
