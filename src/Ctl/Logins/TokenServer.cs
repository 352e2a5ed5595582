using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace NannyOrleans.Ctl.Logins;

/// <summary>The server's OAuth endpoints, as far as a command line needs them.</summary>
internal sealed class TokenServer(Uri url) : IDisposable
{
    private const string Client = "nanny-cli";
    private static readonly TimeSpan UsualPause = TimeSpan.FromSeconds(5); // RFC 8628, section 3.2

    private readonly HttpClient http = new() { BaseAddress = new(url.AbsoluteUri.TrimEnd('/') + '/'), Timeout = TimeSpan.FromSeconds(30) };

    /// <summary>Asks for a code, has a person shown it, and waits until he has decided.</summary>
    /// <param name="show">Shows the address, the code, and the address with the code in it.</param>
    /// <param name="cancellation">Gives up.</param>
    public async Task<Login> LetApprove(Action<string, string, string> show, CancellationToken cancellation)
    {
        var code = await Ask("connect/device", cancellation, ("client_id", Client), ("scope", "api offline_access"), ("hostname", Here()));
        if (code.Error is not null)
        {
            throw new CtlFailure($"The server gives out no code: {code.Words}");
        }

        show(code.Text("verification_uri"), code.Text("user_code"), code.Text("verification_uri_complete"));
        var pause = code.Number("interval") is { } seconds ? TimeSpan.FromSeconds(seconds) : UsualPause;
        while (true)
        {
            await Task.Delay(pause, TimeProvider.System, cancellation);
            Answer answer;
            try
            {
                answer = await Ask("connect/token", cancellation, ("client_id", Client), ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", code.Text("device_code")));
            }
            catch (CtlFailure)
            {
                pause += pause; // a server that is being restarted: section 3.5
                continue;
            }

            switch (answer.Error)
            {
                case null:
                    return answer.Login();
                case "authorization_pending":
                    continue;
                case "slow_down":
                    pause += UsualPause;
                    continue;
                case "access_denied":
                    throw new CtlFailure("It was denied.");
                case "expired_token":
                    throw new CtlFailure("Nobody has approved it in time. Start again.");
                default:
                    throw new CtlFailure($"The server refuses: {answer.Words}");
            }
        }
    }

    /// <summary>New tokens for old ones; null when the server takes the old ones no more.</summary>
    public async Task<Login?> Refresh(string refreshToken, CancellationToken cancellation)
    {
        var answer = await Ask("connect/token", cancellation, ("client_id", Client), ("grant_type", "refresh_token"), ("refresh_token", refreshToken));
        return answer.Error switch
        {
            null => answer.Login(),
            "invalid_grant" => null,
            _ => throw new CtlFailure($"The server refuses to go on: {answer.Words}"),
        };
    }

    /// <summary>Ends the sign-in on the server (RFC 7009).</summary>
    public async Task Revoke(string refreshToken, CancellationToken cancellation)
    {
        if (await Ask("connect/revoke", cancellation, ("client_id", Client), ("token", refreshToken), ("token_type_hint", "refresh_token")) is { Error: not null } answer)
        {
            throw new CtlFailure($"The server does not end it: {answer.Words}");
        }
    }

    public void Dispose() => http.Dispose();

    // What the person will read who approves it: printable, as the server asks for.
    private static string Here() => string.Concat($"{Environment.UserName}@{Environment.MachineName}".Select(letter => letter is >= ' ' and <= '~' ? letter : '?').Take(253));

    private async Task<Answer> Ask(string path, CancellationToken cancellation, params (string Name, string Value)[] form)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new FormUrlEncodedContent(form.Select(field => KeyValuePair.Create(field.Name, field.Value))) };
            request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
            using var response = await http.SendAsync(request, cancellation);
            var text = await response.Content.ReadAsStringAsync(cancellation);
            var answer = new Answer(url, text.Length is 0 ? [] : JsonNode.Parse(text) as JsonObject ?? throw new JsonException("no object"));
            return response.IsSuccessStatusCode || answer.Error is not null ? answer : throw new CtlFailure($"{url} answered {(int)response.StatusCode}.");
        }
        catch (Exception failure) when (failure is HttpRequestException || (failure is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            throw new CtlFailure($"{url} does not answer: {failure.Message}", failure);
        }
        catch (JsonException failure)
        {
            throw new CtlFailure($"{url} answered something that is not this server's: {failure.Message}", failure);
        }
    }

    private sealed record Answer(Uri Url, JsonObject Json)
    {
        public string? Error => Find("error");

        public string Words => Find("error_description") ?? Error ?? string.Empty;

        public string Text(string name) => Find(name) ?? throw new CtlFailure($"{Url} answered something that is not this server's: '{name}' is missing.");

        public long? Number(string name) => Json[name] is JsonValue value && value.TryGetValue<long>(out var number) ? number : null;

        public Login Login() => new(Text("access_token"), Text("refresh_token"), TimeProvider.System.GetUtcNow().AddSeconds(Number("expires_in") ?? 0));

        private string? Find(string name) => Json[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
    }
}
