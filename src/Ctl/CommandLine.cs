using System.CommandLine;
using System.Text.Json;
using NannyOrleans.Ctl.Campaigns;
using Spectre.Console;

namespace NannyOrleans.Ctl;

/// <summary>What a person types.</summary>
internal static class CommandLine
{
    private const string UsualUrl = "http://127.0.0.1:8090";

    private static readonly Option<Uri> Url = new("--url")
    {
        Description = $"The server. Default: NANNY_URL, or {UsualUrl}.",
        HelpName = "URL",
        Recursive = true,
        CustomParser = result => Address(result.Tokens[0].Value) ?? Wrong(result),
        DefaultValueFactory = _ => Address(Environment.GetEnvironmentVariable("NANNY_URL") is { Length: > 0 } url ? url : UsualUrl)!,
    };

    public static RootCommand Build()
    {
        var root = new RootCommand("NannyOrleans from a terminal. The access token is read from the environment variable NANNY_TOKEN.") { Url };
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
            var url = parsed.GetValue(Url) ?? throw new CtlFailure("NANNY_URL is no address of a server: it must begin with http:// or https://.");
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
