using System.Security.Cryptography;
using NannyOrleans.Silo.Signing;

namespace NannyOrleans.Silo.Audit;

/// <summary>The key of the audit log's hashes: a file beside the installation's other keys, the same for all its processes, and never in the database.</summary>
internal sealed class AuditKey
{
    /// <summary>Its file in the data directory.</summary>
    public const string File = "audit.key";

    private const int Length = 32;
    private readonly byte[] key;

    /// <summary>A key.</summary>
    /// <param name="key">32 bytes.</param>
    public AuditKey(byte[] key) => this.key = key.Length is Length ? key : throw new ArgumentException($"A key has {Length} bytes.", nameof(key));

    /// <summary>The key in a data directory, made there when it is not.</summary>
    /// <exception cref="CannotStartException">The file is there and holds none.</exception>
    public static AuditKey ReadOrMake(SiloOptions options)
    {
        options.MakeDataDirectory();
        return Parse(options.PathOf(File), KeyFile.Read(options.PathOf(File), () => Convert.ToBase64String(RandomNumberGenerator.GetBytes(Length))));
    }

    /// <summary>The key in a data directory, which must be there: another could say nothing of what was hashed with it.</summary>
    /// <exception cref="CannotStartException">There is none.</exception>
    public static AuditKey Read(SiloOptions options)
    {
        var path = options.PathOf(File);
        try
        {
            return Parse(path, System.IO.File.ReadAllText(path));
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new CannotStartException($"{path} can't be read: {unreadable.Message}", unreadable);
        }
    }

    /// <summary>The HMAC-SHA-256 of something.</summary>
    public byte[] Authenticate(ReadOnlySpan<byte> what) => HMACSHA256.HashData(key, what);

    /// <summary>Whether something has this HMAC.</summary>
    public bool IsOf(ReadOnlySpan<byte> what, ReadOnlySpan<byte> hash) => CryptographicOperations.FixedTimeEquals(Authenticate(what), hash);

    private static AuditKey Parse(string path, string text)
    {
        var key = new byte[Length + 3];
        return Convert.TryFromBase64String(text.Trim(), key, out var length) && length is Length
            ? new(key[..Length])
            : throw new CannotStartException($"{path} holds no key of {Length} bytes.");
    }
}

/// <summary>Has the key read at start.</summary>
internal static class AuditKeySetup
{
    /// <summary>The key in a data directory, made there when it is not. Now and not at the first use: a damaged file is the first thing said.</summary>
    public static void AddAuditKey(this IServiceCollection services, SiloOptions options)
    {
        services.AddSingleton(AuditKey.ReadOrMake(options));
        services.AddInstallationKey(options.PathOf(AuditKey.File));
    }
}
