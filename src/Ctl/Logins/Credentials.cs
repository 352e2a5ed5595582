using System.Text.Json;

namespace NannyOrleans.Ctl.Logins;

/// <summary>What one server has given to whoever signed in to it here.</summary>
/// <param name="AccessToken">Shown with each request.</param>
/// <param name="RefreshToken">Becomes new tokens, once.</param>
/// <param name="ExpiresAt">From when on the access token is worth nothing.</param>
internal sealed record Login(string AccessToken, string RefreshToken, DateTimeOffset ExpiresAt);

/// <summary>
/// Who is signed in where: a file that nobody else reads. One process at a time changes it, for a refresh token that two of them use is taken for
/// a stolen one.
/// </summary>
internal sealed class Credentials(string directory)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true };

    private const UnixFileMode OwnersOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Where a person's programs keep such things.</summary>
    public static Credentials OfThisPerson { get; } = new(Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CONFIG_HOME") is { Length: > 0 } config ? config : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".config"),
        "nannyctl"));

    private string FilePath => Path.Combine(directory, "logins.json");

    /// <summary>The server that was signed in to last; null when there is none.</summary>
    public Uri? Last => Read().Last is { } url ? new Uri(url) : null;

    /// <summary>What there is for a server; null when nobody is signed in to it.</summary>
    public Login? Find(Uri server) => Read().Servers.GetValueOrDefault(server.AbsoluteUri);

    /// <summary>Changes what there is for a server, alone. It is on disk when this returns.</summary>
    /// <param name="server">The server.</param>
    /// <param name="change">From what there is to what there is to be; null for nothing.</param>
    /// <param name="cancellation">Ends the waiting for others.</param>
    public async Task<Login?> Change(Uri server, Func<Login?, Task<Login?>> change, CancellationToken cancellation)
    {
        Directory.CreateDirectory(directory, OwnersOnly | UnixFileMode.UserExecute);
        using var alone = await Lock(cancellation);
        var all = Read();
        var before = all.Servers.GetValueOrDefault(server.AbsoluteUri);
        var after = await change(before);
        if (after == before)
        {
            return after;
        }

        var servers = new Dictionary<string, Login>(all.Servers);
        servers.Remove(server.AbsoluteUri);
        if (after is not null)
        {
            servers[server.AbsoluteUri] = after;
        }

        Write(new(before is null && after is not null ? server.AbsoluteUri : servers.ContainsKey(all.Last ?? string.Empty) ? all.Last : null, servers));
        return after;
    }

    private Logins Read()
    {
        try
        {
            return JsonSerializer.Deserialize<Logins>(File.ReadAllBytes(FilePath), Json) is { Servers: not null } read ? read : new(null, new Dictionary<string, Login>());
        }
        catch (Exception absent) when (absent is FileNotFoundException or DirectoryNotFoundException)
        {
            return new(null, new Dictionary<string, Login>());
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or JsonException)
        {
            throw new CtlFailure($"{FilePath} can't be read: {failure.Message}", failure);
        }
    }

    private void Write(Logins logins)
    {
        var half = $"{FilePath}.new";
        File.Delete(half);
        using (var file = new FileStream(half, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = OwnersOnly }))
        {
            JsonSerializer.Serialize(file, logins, Json);
            file.Flush(flushToDisk: true);
        }

        File.Move(half, FilePath, overwrite: true);
    }

    private async Task<FileStream> Lock(CancellationToken cancellation)
    {
        for (var begun = TimeProvider.System.GetTimestamp(); ;)
        {
            try
            {
                return new(Path.Combine(directory, "lock"), new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None, UnixCreateMode = OwnersOnly });
            }
            catch (IOException held) when (TimeProvider.System.GetElapsedTime(begun) >= Patience)
            {
                throw new CtlFailure($"Another nannyctl has been signing in for {Patience.TotalSeconds:F0} s: {held.Message}", held);
            }
            catch (IOException)
            {
                await Task.Delay(Pause, TimeProvider.System, cancellation);
            }
        }
    }

    private sealed record Logins(string? Last, IReadOnlyDictionary<string, Login> Servers);
}
