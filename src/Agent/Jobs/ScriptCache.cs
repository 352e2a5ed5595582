using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using NannyOrleans.Agent.Configuration;
using NannyOrleans.Agent.Connection;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Jobs;

/// <summary>Catalogue scripts by their hash, on disk. What it gives out has been hashed in this very call.</summary>
internal sealed class ScriptCache(Servers servers, AgentTokens tokens, Host host, ScriptTrust trust) : IDisposable
{
    private readonly SemaphoreSlim oneAtATime = new(1);

    /// <summary>The path of a script whose content has the asked-for hash.</summary>
    /// <exception cref="ScriptException">It is not signed by a key this host trusts, the server has no such script, or its content has another hash.</exception>
    /// <exception cref="HttpRequestException">The server could not be asked just now.</exception>
    public async Task<string> Get(ScriptReference script, CancellationToken cancellationToken)
    {
        trust.Check(script);

        // Many containers' jobs come at once and want the same script: the first fetches it, the others find it.
        await oneAtATime.WaitAsync(cancellationToken);
        try
        {
            return await Find(script, cancellationToken);
        }
        finally
        {
            oneAtATime.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => oneAtATime.Dispose();

    private async Task<string> Find(ScriptReference script, CancellationToken cancellationToken)
    {
        var directory = Path.Combine(host.State, "scripts");
        var path = Path.Combine(directory, script.Sha256);
        if (File.Exists(path) && Matches(await File.ReadAllBytesAsync(path, cancellationToken), script))
        {
            return path;
        }

        // Missing, or damaged on disk: once from the server, and then there is nobody left to ask.
        var content = await Fetch(script, cancellationToken);
        if (!Matches(content, script))
        {
            throw new ScriptException($"{ScriptSignature.Refused}{script.Name} does not match its SHA-256");
        }

        DurableFile.MakeDirectory(directory);
        DurableFile.Write(path, content);
        return path;
    }

    private async Task<byte[]> Fetch(ScriptReference script, CancellationToken cancellationToken)
    {
        var token = await tokens.Get(cancellationToken);
        var path = $"/api/scripts/{Uri.EscapeDataString(script.Name)}/content";
        using var answer = await servers.Send(
            server => new(HttpMethod.Get, server.At(path)) { Headers = { Authorization = new AuthenticationHeaderValue("Bearer", token) } }, cancellationToken);
        switch (answer.StatusCode)
        {
            case HttpStatusCode.OK:
                return await answer.Content.ReadAsByteArrayAsync(cancellationToken);
            case HttpStatusCode.NotFound:
                throw new ScriptException($"the server has no script {script.Name}");
            case HttpStatusCode.Unauthorized:
                tokens.Refuse(token);
                goto default;
            default:
                throw new HttpRequestException($"{answer.RequestMessage!.RequestUri} answered {(int)answer.StatusCode}", inner: null, answer.StatusCode);
        }
    }

    private static bool Matches(byte[] content, ScriptReference script) => Convert.ToHexStringLower(SHA256.HashData(content)) == script.Sha256;
}

/// <summary>A script must not or cannot be run; the message is the job's detail.</summary>
internal sealed class ScriptException(string message) : Exception(message);
