using System.Net.Http.Headers;

namespace NannyOrleans.Ctl.Logins;

/// <summary>
/// Shows who asks with each request: the token of the environment, or what there is of a sign-in, renewed in time. Watching a campaign takes longer
/// than an access token lives.
/// </summary>
internal sealed class BearerToken(Uri server, string? given, Credentials credentials, HttpMessageHandler inner) : DelegatingHandler(inner)
{
    private static readonly TimeSpan Before = TimeSpan.FromMinutes(1);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        request.Headers.Authorization = (given ?? await OfLogin(cancellationToken)) is { } token ? new AuthenticationHeaderValue("Bearer", token) : null;
        return await base.SendAsync(request, cancellationToken);
    }

    private async Task<string?> OfLogin(CancellationToken cancellation)
    {
        if (credentials.Find(server) is not { } known)
        {
            return null;
        }

        return IsGood(known) ? known.AccessToken : (await credentials.Change(server, Renew, cancellation))?.AccessToken;

        async Task<Login?> Renew(Login? now)
        {
            if (now is null || IsGood(now)) // another nannyctl was first
            {
                return now;
            }

            using var tokens = new TokenServer(server);
            return await tokens.Refresh(now.RefreshToken, cancellation);
        }
    }

    private static bool IsGood(Login login) => TimeProvider.System.GetUtcNow() < login.ExpiresAt - Before;
}
