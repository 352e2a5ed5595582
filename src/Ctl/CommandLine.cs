using System.CommandLine;
using System.Text.Json;
using NannyOrleans.Ctl.Campaigns;
using NannyOrleans.Ctl.Logins;
using Spectre.Console;

namespace NannyOrleans.Ctl;

/// <summary>What a person types.</summary>
internal static class CommandLine
{
    private const string UsualUrl = "http://127.0.0.1:8090";

    private static readonly Option<Uri> Url = new("--url", "--server")
    {
        Description = $"The server. Default: NANNY_URL, or the one that was signed in to last, or {UsualUrl}.",
        HelpName = "URL",
        Recursive = true,
        CustomParser = result => Address(result.Tokens[0].Value) ?? Wrong(result),
    };

    private static Uri? Usual() => Environment.GetEnvironmentVariable("NANNY_URL") is { Length: > 0 } url ? Address(url) : Credentials.OfThisPerson.Last ?? new(UsualUrl);

    public static RootCommand Build()
    {
        var root = new RootCommand("NannyOrleans from a terminal. Sign in with login, or put a token into the environment variable NANNY_TOKEN.") { Url };
        foreach (var command in LoginCommands.Build())
        {
            root.Subcommands.Add(command);
        }

        root.Subcommands.Add(CampaignCommands.Build());
        return root;
    }

    /// <summary>Runs a command against the server; what cannot be done is said on standard error.</summary>
    public static async Task<int> Run(ParseResult parsed, Func<NannyServer, Task<int>> command)
    {
        if (Console.IsOutputRedirected)
        {
            AnsiConsole.Profile.Width = 10_000; // a line is a line: there is no terminal to break it for
        }

        try
        {
            var url = parsed.GetValue(Url) ?? Usual() ?? throw new CtlFailure("NANNY_URL is no address of a server: it must begin with http:// or https://.");
            using var server = new NannyServer(url, Environment.GetEnvironmentVariable("NANNY_TOKEN") is { Length: > 0 } token ? token.Trim() : null);
            return await command(server);
        }
        catch (OperationCanceledException)
        {
            return ExitCodes.Left;
        }
        catch (Exception failure) when (failure is CtlFailure or JsonException)
        {
            await Console.Error.WriteLineAsync(string.Join('\n', failure.Message.Split('\n').Select(Safe.Line)));
            return ExitCodes.Failed;
        }
    }

    private static Uri? Address(string text) => Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" ? url : null;

    private static Uri? Wrong(System.CommandLine.Parsing.ArgumentResult result)
    {
        result.AddError("--url must begin with http:// or https://.");
        return null;
    }
}
