using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Protocol;

namespace NannyOrleans.Api.Tests.Support;

/// <summary>What a command line does: HTTP with or without a token. No answer may be a server error or show the server's insides.</summary>
internal sealed class Caller(Uri url, string? token = null, params (string Name, string Value)[] headers)
{
    private static readonly HttpClient Http = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false }) { Timeout = Waiting.Limit };

    public string? Token => token;

    public Caller With(string? otherToken) => new(url, otherToken, headers);

    /// <summary>Says more with each request.</summary>
    public Caller Saying(params (string Name, string Value)[] more) => new(url, token, [.. headers, .. more]);

    /// <summary>The same from another address, as a proxy on the server's machine says it.</summary>
    public Caller From(string address) => Saying(("X-Forwarded-For", address));

    /// <summary>As a browser does for a page of the server itself.</summary>
    public Caller FromItsPage() => Saying(("Sec-Fetch-Site", "same-origin"));

    /// <summary>With the cookie that an answer has set, for a page of the server itself.</summary>
    public Caller WithCookie(Answer answer) => With(null).Saying(("Cookie", answer.Header("Set-Cookie")!.Split(';')[0])).FromItsPage();

    public Task<Answer> PostJson(string path, object body) => Post(path, JsonSerializer.SerializeToUtf8Bytes(body), "application/json");

    public Task<Answer> Get(string path) => Send(new(HttpMethod.Get, At(path)));

    /// <summary>As an event source that comes back: it names the last event it saw.</summary>
    public Task<Answer> GetAfter(string path, string lastEventId) => Send(new(HttpMethod.Get, At(path)) { Headers = { { "Last-Event-ID", lastEventId } } });

    /// <summary>Reads lines as they come until one is <paramref name="line"/>, and then hangs up.</summary>
    public async Task<IReadOnlyList<string>> ReadUntil(string path, string line)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, At(path)) { Headers = { { "Authorization", $"Bearer {token}" } } };
        using var response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());
        var lines = new List<string>();
        while (await reader.ReadLineAsync().WaitAsync(Waiting.Limit) is { } next)
        {
            lines.Add(next);
            if (next == line)
            {
                return lines;
            }
        }

        throw new InvalidOperationException($"The stream ended before '{line}': {string.Join('\n', lines)}");
    }

    public Task<Answer> Send(string method, string path) => Send(new(new(method), At(path)));

    public Task<Answer> Send(string method, string path, byte[]? body) => Send(new(new(method), At(path)) { Content = body is null ? null : new ByteArrayContent(body) });

    /// <summary>As <c>curl -d</c>: the body is JSON and its type says form.</summary>
    public Task<Answer> PostLikeCurl(string path, string body) => Post(path, Encoding.UTF8.GetBytes(body), "application/x-www-form-urlencoded");

    public Task<Answer> Post(string path, byte[] body, string? contentType)
    {
        var content = new ByteArrayContent(body);
        content.Headers.ContentType = contentType is null ? null : MediaTypeHeaderValue.Parse(contentType);
        // Who is refused for the size of the body learns it before sending: no race between the answer and the rest of the body.
        return Send(new(HttpMethod.Post, At(path)) { Content = content, Headers = { ExpectContinue = body.Length > 100_000 } });
    }

    public Task<Answer> Patch(string path, string body) => Send(new(HttpMethod.Patch, At(path)) { Content = new StringContent(body, Encoding.UTF8, "application/json"), Headers = { ExpectContinue = body.Length > 100_000 } });

    public Task<Answer> PostForm(string path, params (string Name, string Value)[] form) =>
        Send(new(HttpMethod.Post, At(path)) { Content = new FormUrlEncodedContent(form.Select(field => KeyValuePair.Create(field.Name, field.Value))) });

    public Task<Answer> AskForToken(string user, string password) => PostForm(
        Registration.TokenEndpoint,
        ("grant_type", "password"), ("client_id", TokenSetup.CommandLineClient), ("username", user), ("password", password), ("scope", "api offline_access"));

    public Task<Answer> Refresh(string client, string refreshToken) => PostForm(
        Registration.TokenEndpoint, ("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", refreshToken));

    public async Task<Caller> SignIn(string user, string password) => With((await AskForToken(user, password)).Is(200).Text("access_token"));

    private Uri At(string path) => new(url, path);

    private async Task<Answer> Send(HttpRequestMessage request)
    {
        using (request)
        {
            if (token is not null)
            {
                request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token}");
            }

            foreach (var (name, value) in headers)
            {
                request.Headers.TryAddWithoutValidation(name, value);
            }

            using var response = await Http.SendAsync(request);
            var body = await response.Content.ReadAsStringAsync();
            var answer = new Answer((int)response.StatusCode, response.Content.Headers.ContentType?.MediaType, body, response.Headers.ToString());
            Assert.True(answer.Status < 500, $"{request.Method} {request.RequestUri} answered {answer}");
            Assert.DoesNotContain("   at ", answer.Headers + body, StringComparison.Ordinal);
            Assert.DoesNotContain("NannyOrleans.Api.", answer.Headers + body, StringComparison.Ordinal);
            return answer;
        }
    }
}

/// <summary>What came back.</summary>
internal sealed record Answer(int Status, string? ContentType, string Body, string Headers)
{
    public JsonElement Json => JsonElement.Parse(Body);

    public string Text(string field) => Json.GetProperty(field).GetString()!;

    /// <summary>A header's value; null when it is not there.</summary>
    public string? Header(string name) => Headers.Split('\n', StringSplitOptions.TrimEntries)
        .Where(line => line.StartsWith($"{name}:", StringComparison.OrdinalIgnoreCase)).Select(line => line[(name.Length + 1)..].Trim()).SingleOrDefault();

    public Answer Is(int status)
    {
        Assert.True(Status == status, $"Expected {status}, got {this}");
        return this;
    }

    /// <summary>An error as all of ours are: RFC 9457 with a code.</summary>
    public JsonElement IsProblem(int status, string code)
    {
        Is(status);
        Assert.Equal("application/problem+json", ContentType);
        var problem = Json;
        Assert.Equal(status, problem.GetProperty("status").GetInt32());
        Assert.NotEqual(string.Empty, problem.GetProperty("title").GetString());
        Assert.Equal(code, problem.GetProperty("code").GetString());
        return problem;
    }

    /// <summary>A 400 that names the field and says something about it.</summary>
    public string NamesField(string field)
    {
        var errors = IsProblem(400, "invalid-request").GetProperty("errors");
        Assert.Equal([field], errors.EnumerateObject().Select(error => error.Name));
        return Assert.Single(errors.GetProperty(field).EnumerateArray()).GetString()!;
    }

    /// <summary>An error of the OAuth endpoints, RFC 6749 section 5.2.</summary>
    public string IsOAuthError(string error)
    {
        Is(400);
        Assert.Equal(error, Text("error"));
        return Text("error_description");
    }

    public override string ToString() => $"{Status} {ContentType}: {(Body.Length > 600 ? Body[..600] : Body)}";
}
