namespace NannyOrleans.Tests.Support;

/// <summary>The real server, <c>nanny-api</c> with the silo in it, on free ports.</summary>
internal sealed class ServerProcess(RunningProgram program, Uri url) : IAsyncDisposable
{
    private const string Listening = "Now listening on: ";

    public Uri Url => url;

    public RunningProgram Program => program;

    /// <summary>Starts it over a data directory, by a command that runs another where one is given, and waits until it listens.</summary>
    public static async Task<ServerProcess> Start(string dataDirectory, string? adminPassword, string url = "http://127.0.0.1:0", IEnumerable<string>? before = null, params (string Name, string Value)[] more)
    {
        var settings = new Dictionary<string, string>
        {
            ["NANNY_urls"] = url,
            ["NANNY_Silo__Port"] = "0",

            // Hundreds of tests are one caller at one address, and register in a minute what a person does in a year.
            ["NANNY_Limits__RequestsPerSecond"] = "100000",
            ["NANNY_Limits__RegistrationsPerMinute"] = "100000",
            ["NANNY_Silo__DataDirectory"] = dataDirectory,
        };
        if (adminPassword is not null)
        {
            settings["NANNY_ADMIN_PASSWORD"] = adminPassword;
        }

        foreach (var (name, value) in more)
        {
            settings[name] = value;
        }

        var program = new RunningProgram([.. before ?? [], BuiltProgram.Of("Api")], settings);
        var line = await program.Line(Listening);
        return new(program, new(line[(line.IndexOf(Listening, StringComparison.Ordinal) + Listening.Length)..].Split('"')[0])); // the line may be JSON
    }

    /// <summary>kill -9: nothing is said to it and nothing is saved.</summary>
    public Task Kill() => program.Kill();

    public ValueTask DisposeAsync() => program.DisposeAsync();
}
