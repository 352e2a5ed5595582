using System.CommandLine;

namespace NannyOrleans.Ctl.Logins;

/// <summary><c>nannyctl login</c> and <c>logout</c>.</summary>
internal static class LoginCommands
{
    public static IEnumerable<Command> Build() => [SignIn(), SignOut()];

    private static Command SignIn()
    {
        var command = new Command("login", "Sign in: says an address and a code; whoever opens it and shows who he is lets this command line act for him.");
        command.SetAction((parsed, cancellation) => CommandLine.Run(parsed, async server =>
        {
            using var tokens = new TokenServer(server.Url);
            var login = await tokens.LetApprove(Show, cancellation);
            if (await Credentials.OfThisPerson.Change(server.Url, _ => Task.FromResult<Login?>(login), cancellation) is null)
            {
                throw new CtlFailure("The tokens could not be kept.");
            }

            Console.WriteLine($"Signed in to {server.Url} as {Safe.Line((await server.Get<Session>("api/session", cancellation)).UserName)}.");
            return ExitCodes.Done;
        }));
        return command;
    }

    private static Command SignOut()
    {
        var command = new Command("logout", "Sign out: what this command line was given is worth nothing from here on, copies of it included.");
        command.SetAction((parsed, cancellation) => CommandLine.Run(parsed, async server =>
        {
            if (Credentials.OfThisPerson.Find(server.Url) is null)
            {
                throw new CtlFailure($"Nobody is signed in to {server.Url} here.");
            }

            await Credentials.OfThisPerson.Change(server.Url, async login =>
            {
                using var tokens = new TokenServer(server.Url);
                await (login is null ? Task.CompletedTask : tokens.Revoke(login.RefreshToken, cancellation));
                return null;
            }, cancellation);
            Console.WriteLine($"Signed out of {server.Url}.");
            return ExitCodes.Done;
        }));
        return command;
    }

    private static void Show(string address, string code, string addressWithCode)
    {
        Console.WriteLine($"Open {Safe.Line(address)} and type the code {Safe.Line(code)}");
        Console.WriteLine($"or open {Safe.Line(addressWithCode)}");
    }

    private sealed record Session(string UserName);
}
