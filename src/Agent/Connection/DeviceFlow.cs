using System.Globalization;
using NannyOrleans.Agent.Jobs;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Agent.Proxmox;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Agent.Connection;

/// <summary>Registers this host: a person approves a code in the browser, RFC 8628, and the host gets its tokens.</summary>
internal sealed class DeviceFlow(TokenEndpoint endpoint, IReadOnlyList<Uri> servers, Host host, TimeProvider clock, TextWriter output)
{
    /// <summary>Runs it to its end. Only a success changes anything on disk.</summary>
    /// <returns>Null on success, else why not, in a person's words.</returns>
    /// <param name="identity">This host.</param>
    /// <param name="membership">Proves that it is of its cluster; null for a machine, which is of none.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<string?> Register(HostIdentity identity, byte[]? membership, CancellationToken cancellationToken)
    {
        DeviceAnswer code;
        try
        {
            code = await endpoint.RequestCode(
            [
                new("client_id", Registration.ClientId),
                new("scope", $"{Registration.AgentScope} offline_access"),
                new(Registration.Hostname, identity.Hostname),
                new(Registration.Node, identity.Node.Value),
                new(Registration.Cluster, identity.Cluster.Value),
                new(Registration.ClusterName, identity.ClusterName),
            ], cancellationToken);
        }
        catch (Exception e) when (IsNetwork(e, cancellationToken))
        {
            return $"The server cannot be reached: {e.Message}";
        }

        if (code is not { DeviceCode: { Length: > 0 } deviceCode, UserCode: { Length: > 0 } userCode, VerificationUri: { Length: > 0 } uri })
        {
            return "The server's answer has no device code; is this the URL of a NannyOrleans server?";
        }

        var expires = clock.GetUtcNow() + TimeSpan.FromSeconds(code.ExpiresIn is > 0 and var lifetime ? lifetime : DefaultLifetimeSeconds);
        await output.WriteLineAsync(identity.Cluster.IsMachine
            ? $"Registering machine {PlainText.Of(identity.Hostname, 80)} ({identity.Cluster}) as {identity.Node}."
            : $"Registering node {identity.Node} of cluster {PlainText.Of(identity.ClusterName, 80)} ({identity.Cluster}).");
        await output.WriteLineAsync("Open this address in a browser and approve the code:");
        await output.WriteLineAsync();
        await output.WriteLineAsync($"  address: {PlainText.Of(uri)}");
        await output.WriteLineAsync($"  code:    {PlainText.Of(userCode, 80)}");
        if (code.VerificationUriComplete is { Length: > 0 } complete)
        {
            await output.WriteLineAsync($"  or both: {PlainText.Of(complete)}");
        }

        await output.WriteLineAsync();
        await output.WriteLineAsync($"Waiting until {expires.ToString("u", CultureInfo.InvariantCulture)} ...");
        await output.FlushAsync(cancellationToken);
        return await Poll(identity, membership, deviceCode, expires, TimeSpan.FromSeconds(code.Interval is > 0 and var asked ? asked : DefaultIntervalSeconds), cancellationToken);
    }

    private async Task<string?> Poll(HostIdentity identity, byte[]? membership, string deviceCode, DateTimeOffset expires, TimeSpan interval, CancellationToken cancellationToken)
    {
        string? lastProblem = null;
        var isFirst = false;
        while (clock.GetUtcNow() + interval < expires)
        {
            await Task.Delay(interval, clock, cancellationToken);
            TokenAnswer answer;
            try
            {
                answer = await endpoint.RequestTokens(
                [
                    new("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
                    new("device_code", deviceCode),
                    new("client_id", Registration.ClientId),
                    .. Shown(identity, membership, deviceCode, isFirst),
                ], cancellationToken);
            }
            catch (Exception e) when (IsNetwork(e, cancellationToken))
            {
                // The person may be approving right now: the code's own end is the only end.
                if (lastProblem != e.Message)
                {
                    await output.WriteLineAsync($"Still trying: {PlainText.Of(e.Message)}");
                }

                lastProblem = e.Message;
                continue;
            }

            switch (answer.Error)
            {
                case null:
                    return await Finish(identity, answer);
                case "authorization_pending":
                    break;
                case "slow_down":
                    interval += SlowDown;
                    break;
                case "access_denied":
                    return "The registration was refused by the person who looked at it.";
                case Membership.KeyRequired when membership is not null && !isFirst:
                    isFirst = true;
                    break;
                case "expired_token":
                    return Expired;
                default:
                    return $"The server refused the registration: {PlainText.Of($"{answer.Error} {answer.ErrorDescription}".TrimEnd())}";
            }
        }

        return lastProblem is null ? Expired : $"{Expired} The last problem was: {PlainText.Of(lastProblem)}";
    }

    // The key itself only where the server asks for it: once in a cluster's life.
    private static IEnumerable<KeyValuePair<string, string>> Shown(HostIdentity identity, byte[]? membership, string deviceCode, bool isFirst)
    {
        if (membership is not null)
        {
            yield return new(Membership.ProofParameter, Convert.ToBase64String(Membership.Proof(membership, deviceCode, identity.Cluster, identity.Node)));
            if (isFirst)
            {
                yield return new(Membership.KeyParameter, Convert.ToBase64String(membership));
            }
        }
    }

    private async Task<string?> Finish(HostIdentity identity, TokenAnswer answer)
    {
        if (answer is not { AccessToken: { Length: > 0 } access, RefreshToken: { Length: > 0 } refresh } || !AgentId.TryParse(answer.AgentId, null, out var id))
        {
            return "The server approved, but its answer lacks a token or the agent's id.";
        }

        if ((ScriptTrust.WrongKey(answer.CatalogueKey) ?? ScriptTrust.WrongKey(answer.CustomKey)) is { } wrong)
        {
            return $"The server approved, but the keys it signs scripts with can't be used: {wrong}.";
        }

        var credentials = new Credentials(servers[0], id, access, AgentTokens.Expiry(answer, clock), refresh, identity.Node, identity.Cluster)
        {
            CatalogueKey = answer.CatalogueKey,
            CustomKey = answer.CustomKey,
        };
        credentials.With(servers).Save(host);
        await output.WriteLineAsync($"Registered as agent {id}.");
        return null;
    }

    /// <summary>A lost connection, a server error or a timeout of the request itself, but not our own stop.</summary>
    private static bool IsNetwork(Exception e, CancellationToken cancellationToken) =>
        e is HttpRequestException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested);

    private const string Expired = "The code expired before anybody approved it. Run register again.";
    private const int DefaultIntervalSeconds = 5; // RFC 8628 section 3.2
    private const int DefaultLifetimeSeconds = 600;
    private static readonly TimeSpan SlowDown = TimeSpan.FromSeconds(5); // RFC 8628 section 3.5
}
