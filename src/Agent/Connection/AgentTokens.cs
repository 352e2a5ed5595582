using Microsoft.Extensions.Logging;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Protocol;

namespace NannyOrleans.Agent.Connection;

/// <summary>
/// The access token, renewed before it ends or when the server refused it. A renewed one is on disk before it is used, or, when the
/// disk does not take it, in memory alone: a host whose disk is full is one that must be reachable.
/// </summary>
internal sealed partial class AgentTokens(TokenEndpoint endpoint, Host host, Credentials registered, TimeProvider clock, ILogger logger) : IDisposable
{
    private readonly SemaphoreSlim oneAtATime = new(1);
    private Credentials current = registered;
    private Credentials? outdated;
    private string? refused;

    /// <summary>An access token that should be good.</summary>
    /// <exception cref="RegistrationEndedException">The server does not know this registration any more.</exception>
    /// <exception cref="HttpRequestException">It could not be renewed just now.</exception>
    public async Task<string> Get(CancellationToken cancellationToken)
    {
        await oneAtATime.WaitAsync(cancellationToken);
        try
        {
            // register may have been run beside us: what is on disk is the newest there is.
            current = Adopt(Credentials.Load(host));
            return IsGood(current) ? current.AccessToken : await Renew(cancellationToken);
        }
        finally
        {
            oneAtATime.Release();
        }
    }

    /// <summary>Says that the server answered 401 to this token: it is not given out again.</summary>
    public void Refuse(string accessToken) => refused = accessToken;

    /// <inheritdoc/>
    public void Dispose() => oneAtATime.Dispose();

    /// <summary>When an answer's token ends, by this host's clock; null when the server did not say.</summary>
    public static DateTimeOffset? Expiry(TokenAnswer answer, TimeProvider clock) =>
        answer.ExpiresIn is > 0 and var seconds ? clock.GetUtcNow() + TimeSpan.FromSeconds(seconds) : null;

    private Credentials Adopt(Credentials? onDisk) =>
        onDisk is null || onDisk == outdated || !onDisk.AreFor(current.Known()) || onDisk.Node != current.Node || onDisk.Cluster != current.Cluster
            ? current
            : onDisk;

    private bool IsGood(Credentials credentials) =>
        credentials.AccessToken != refused && (credentials.ExpiresAt is not { } end || clock.GetUtcNow() + Margin < end);

    private async Task<string> Renew(CancellationToken cancellationToken)
    {
        var answer = await endpoint.RequestTokens(
        [
            new("grant_type", "refresh_token"),
            new("refresh_token", current.RefreshToken),
            new("client_id", Registration.ClientId),
        ], cancellationToken);
        if (answer.Error is "invalid_grant")
        {
            throw new RegistrationEndedException();
        }

        if (answer.AccessToken is not { Length: > 0 } access)
        {
            throw new HttpRequestException($"the token was not renewed: {PlainText.Of(answer.Error is null ? "the answer has no access token" : answer.ToString())}");
        }

        var renewed = current with
        {
            AccessToken = access,
            ExpiresAt = Expiry(answer, clock),
            RefreshToken = answer.RefreshToken is { Length: > 0 } next ? next : current.RefreshToken,
        };

        // A register that finished while we asked wins: its tokens belong to the newer registration.
        var onDisk = Credentials.Load(host);
        if (onDisk is not null && onDisk != outdated && onDisk.RefreshToken != current.RefreshToken)
        {
            current = onDisk;
            return onDisk.AccessToken;
        }

        // A key may have taken a pinned one's place while we asked.
        if (onDisk is not null && onDisk.AgentId == renewed.AgentId)
        {
            renewed = renewed with { CatalogueKey = onDisk.CatalogueKey, CustomKey = onDisk.CustomKey };
        }

        current = renewed;
        outdated = Save(renewed) ? null : onDisk;
        Log.Renewed(logger, renewed.ExpiresAt);
        return access;
    }

    private bool Save(Credentials renewed)
    {
        try
        {
            renewed.Save(host);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Log.NotSaved(logger, Credentials.PathOn(host), e);
            return false;
        }
    }

    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(60);

    private static partial class Log
    {
        [LoggerMessage(1001, LogLevel.Information, "Access token renewed; it ends {ExpiresAt}", EventName = "TokenRenewed")]
        public static partial void Renewed(ILogger logger, DateTimeOffset? expiresAt);

        [LoggerMessage(1002, LogLevel.Error, "The renewed access token cannot be written to {Path} and is kept in memory only", EventName = "TokenNotSaved")]
        public static partial void NotSaved(ILogger logger, string path, Exception exception);
    }
}

/// <summary>The server ended this registration (<c>invalid_grant</c>): only a person can register again.</summary>
internal sealed class RegistrationEndedException() : Exception("The server does not accept this registration any more. Run: nannyagent register");
