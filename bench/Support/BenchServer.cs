using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text.Json;
using NannyOrleans.Protocol;

namespace NannyOrleans.Bench;

/// <summary>The real server as a process of its own, over an empty data directory, with an administrator signed in.</summary>
internal sealed class BenchServer : IDisposable
{
    /// <summary>The password of <c>admin</c>.</summary>
    public const string Password = "a password for the benchmark";

    private readonly Process process;
    private readonly string directory;

    private BenchServer(Process process, string directory, Uri url)
    {
        (this.process, this.directory, Url) = (process, directory, url);
        Http = new(new SocketsHttpHandler { AllowAutoRedirect = false, MaxConnectionsPerServer = 64 }) { BaseAddress = url, Timeout = TimeSpan.FromSeconds(100) };
    }

    /// <summary>Where it listens.</summary>
    public Uri Url { get; }

    /// <summary>Its process.</summary>
    public int Pid => process.Id;

    /// <summary>Speaks to it as the administrator.</summary>
    public HttpClient Http { get; }

    /// <summary>The files a repository has, from wherever in its <c>bench</c> this runs.</summary>
    public static string Repository => AppContext.BaseDirectory[..AppContext.BaseDirectory.LastIndexOf("/bench/", StringComparison.Ordinal)];

    /// <summary>Where it keeps its databases.</summary>
    public string DataDirectory => Path.Combine(directory, "data");

    /// <summary>Starts it and signs in.</summary>
    /// <param name="settings">Configuration, such as <c>Silo__GuestJobsAtOnce</c> and its value.</param>
    public static Task<BenchServer> Start(params (string Name, string Value)[] settings) => Start([$"{Repository}/artifacts/api/nanny-api.dll"], settings);

    /// <summary>Starts a program that is the server with something replaced, and signs in.</summary>
    /// <param name="program">The assembly and its arguments.</param>
    /// <param name="settings">Configuration.</param>
    public static async Task<BenchServer> Start(IReadOnlyList<string> program, params (string Name, string Value)[] settings)
    {
        var directory = Directory.CreateTempSubdirectory("nanny-bench-").FullName;
        var start = new ProcessStartInfo("setpriv", ["--pdeathsig", "KILL", "dotnet", .. program])
        {
            WorkingDirectory = "/",
            RedirectStandardOutput = true,
            Environment =
            {
                ["NANNY_urls"] = "http://127.0.0.1:0",
                ["NANNY_Silo__Port"] = "0",
                ["NANNY_Silo__DataDirectory"] = Path.Combine(directory, "data"),
                ["NANNY_ADMIN_PASSWORD"] = Password,
                ["NANNY_Limits__RequestsPerSecond"] = "1000000",
                ["NANNY_Limits__RegistrationsPerMinute"] = "1000000",
                ["NANNY_Logging__LogLevel__Default"] = "Warning",
                ["NANNY_Logging__LogLevel__Microsoft.Hosting.Lifetime"] = "Information",
            },
        };
        foreach (var (name, value) in settings)
        {
            start.Environment[$"NANNY_{name}"] = value;
        }

        var process = Launcher.Start(start);
        var server = new BenchServer(process, directory, await Listening(process));
        var token = await server.Form("/connect/token", ("grant_type", "password"), ("client_id", "nanny-cli"), ("scope", "api"), ("username", "admin"), ("password", Password));
        server.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token.GetProperty("access_token").GetString());
        return server;
    }

    /// <summary>Where a server that was just started listens, by what it says.</summary>
    public static async Task<Uri> Listening(Process process)
    {
        Uri? url = null;
        while (url is null && await process.StandardOutput.ReadLineAsync() is { } line)
        {
            const string Words = "Now listening on: ";
            url = line.IndexOf(Words, StringComparison.Ordinal) is >= 0 and var at ? new(line[(at + Words.Length)..]) : null;
        }

        _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
        return url ?? throw new InvalidOperationException("The server ended before it listened.");
    }

    /// <summary>Registers an agent by device flow and approves it; its access token.</summary>
    public async Task<string> Register(string cluster, string node, string clusterName)
    {
        var code = await Form(
            Registration.DeviceEndpoint,
            ("client_id", Registration.ClientId), ("scope", $"{Registration.AgentScope} offline_access"),
            (Registration.Cluster, cluster), (Registration.Node, node), (Registration.Hostname, node), (Registration.ClusterName, clusterName));
        await Approve(code.GetProperty("user_code").GetString()!);
        var tokens = await Form(
            Registration.TokenEndpoint,
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", code.GetProperty("device_code").GetString()!), ("client_id", Registration.ClientId),
            (Membership.KeyParameter, Convert.ToBase64String(Membership.KeyOf("the key of a bench"u8))));
        return tokens.GetProperty("access_token").GetString()!;
    }

    /// <summary>Approves the code that an agent shows.</summary>
    public async Task Approve(string code)
    {
        using var approval = Content(("user_code", code), ("decision", "approve"));
        using var approved = await Http.PostAsync("/device", approval);
    }

    /// <summary>What a path answers, as JSON.</summary>
    public async Task<JsonElement> Get(string path) => JsonElement.Parse(await Http.GetStringAsync(path));

    /// <summary>Ends it and removes what it stored.</summary>
    public void Dispose()
    {
        Http.Dispose();
        process.Kill(entireProcessTree: true);
        process.WaitForExit();
        process.Dispose();
        Directory.Delete(directory, recursive: true);
    }

    private async Task<JsonElement> Form(string path, params (string Name, string Value)[] fields)
    {
        using var content = Content(fields);
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = content };
        using var answer = await Http.SendAsync(request);
        var body = await answer.Content.ReadAsStringAsync();
        return answer.IsSuccessStatusCode ? JsonElement.Parse(body) : throw new InvalidOperationException($"{path} answered {(int)answer.StatusCode}: {body}");
    }

    private static FormUrlEncodedContent Content(params (string Name, string Value)[] fields) => new(fields.Select(field => KeyValuePair.Create(field.Name, field.Value)));
}
