using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using NannyOrleans.Agent.Configuration;
using NannyOrleans.Protocol;

namespace NannyOrleans.Agent.Connection;

/// <summary>The device endpoint's answer, RFC 8628 section 3.2.</summary>
internal sealed record DeviceAnswer(string? DeviceCode, string? UserCode, string? VerificationUri, string? VerificationUriComplete, int? ExpiresIn, int? Interval);

/// <summary>The token endpoint's answer, good or bad, RFC 6749 sections 5.1 and 5.2.</summary>
internal sealed record TokenAnswer(string? AccessToken, int? ExpiresIn, string? RefreshToken, string? AgentId, string? Error, string? ErrorDescription)
{
    /// <summary>The key of the script catalogue; only where a person has just approved this host.</summary>
    public string? CatalogueKey { get; init; }

    /// <summary>The key of custom scripts, likewise.</summary>
    public string? CustomKey { get; init; }

    /// <summary>Says nothing secret.</summary>
    public override string ToString() => Error is null ? "tokens" : $"{Error} {ErrorDescription}";
}

/// <summary>The server's OAuth endpoints. A good answer and an OAuth error are values; anything else is an <see cref="HttpRequestException"/>.</summary>
internal sealed class TokenEndpoint(Servers servers)
{
    /// <summary>Asks for a device code.</summary>
    public Task<DeviceAnswer> RequestCode(IEnumerable<KeyValuePair<string, string>> form, CancellationToken cancellationToken) =>
        Post(Registration.DeviceEndpoint, form, AgentJson.Default.DeviceAnswer, errorsAreAnswers: false, cancellationToken);

    /// <summary>Asks for tokens.</summary>
    public Task<TokenAnswer> RequestTokens(IEnumerable<KeyValuePair<string, string>> form, CancellationToken cancellationToken) =>
        Post(Registration.TokenEndpoint, form, AgentJson.Default.TokenAnswer, errorsAreAnswers: true, cancellationToken);

    private async Task<T> Post<T>(
        string path,
        IEnumerable<KeyValuePair<string, string>> form,
        JsonTypeInfo<T> type,
        bool errorsAreAnswers,
        CancellationToken cancellationToken)
    {
        using var answer = await servers.Send(
            server => new(HttpMethod.Post, server.At(path)) { Content = new FormUrlEncodedContent(form) }, cancellationToken);
        var url = answer.RequestMessage!.RequestUri;
        var body = await answer.Content.ReadAsStringAsync(cancellationToken);
        var isError = answer.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.Unauthorized;
        if (!answer.IsSuccessStatusCode && !(isError && errorsAreAnswers))
        {
            throw new HttpRequestException(
                $"{url} answered {(int)answer.StatusCode}: {PlainText.Of(body, 200)}", inner: null, answer.StatusCode);
        }

        try
        {
            return JsonSerializer.Deserialize(body, type) ?? throw new JsonException("the answer is null");
        }
        catch (JsonException e)
        {
            throw new HttpRequestException($"{url} answered {(int)answer.StatusCode} and no OAuth answer: {PlainText.Of(body, 200)}", e, answer.StatusCode);
        }
    }
}
