using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using NannyOrleans.Api.Tests.Support;

[assembly: AssemblyFixture(typeof(SharedServer))]

namespace NannyOrleans.Api.Tests.Support;

/// <summary>One server for most tests; each uses clusters, vmids and names of its own.</summary>
public sealed class SharedServer : IAsyncLifetime
{
    public const string Password = "correct horse battery staple";

    private readonly DataDirectory data = new();

    private int people;

    internal ServerProcess Server { get; private set; } = null!;

    /// <summary>The database of its accounts.</summary>
    internal string Accounts => data.PathOf("accounts.db");

    /// <summary>Where the server expects another provider of sign-ins; it asks there once somebody signs in so.</summary>
    internal Uri Provider { get; } = new($"http://127.0.0.1:{Port.Free()}/");

    /// <summary>Calls with nobody's token.</summary>
    internal Caller Anonymous { get; private set; } = null!;

    /// <summary>Calls as the administrator.</summary>
    internal Caller Admin { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Server = await ServerProcess.Start(data.Path, Password, more: OtherProvider.Settings(Provider));
        Anonymous = new(Server.Url);
        Admin = await Anonymous.SignIn("admin", Password);
    }

    /// <summary>Signs in as a new person with these roles, each everywhere (null) or for one cluster.</summary>
    internal async Task<Caller> SignIn(params (string Role, string? Cluster)[] roles) => (await SignInNamed(roles)).Caller;

    /// <summary>As <see cref="SignIn"/>, with the person's name.</summary>
    internal async Task<(Caller Caller, string Name)> SignInNamed(params (string Role, string? Cluster)[] roles)
    {
        var name = $"person-{Interlocked.Increment(ref people)}";
        var body = JsonSerializer.Serialize(new { user_name = name, roles = roles.Select(one => new { role = one.Role, cluster = one.Cluster }) });
        var made = (await Admin.PostLikeCurl("/api/people", body)).Is(201);
        return (await Anonymous.SignIn(name, made.Text("password")), name);
    }

    /// <summary>A token like one that was given out, with another end, made with the server's own keys.</summary>
    internal string Forge(string token, TimeSpan ends)
    {
        var signing = ECDsa.Create(); // the handler keeps it
        signing.ImportFromPem(File.ReadAllText($"{data.Path}/token-signing.pem"));
        var encryption = new SymmetricSecurityKey(Convert.FromBase64String(File.ReadAllText($"{data.Path}/token-encryption.key")));
        var handler = new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false };
        var inner = new JsonWebToken(handler.DecryptToken(handler.ReadJsonWebToken(token), new() { TokenDecryptionKey = encryption, ValidateLifetime = false }));
        var now = DateTimeOffset.UtcNow;
        return handler.CreateToken(new SecurityTokenDescriptor
        {
            Claims = inner.Claims.GroupBy(claim => claim.Type).Where(claim => claim.Key is not ("exp" or "iat" or "nbf"))
                .ToDictionary(claim => claim.Key, claim => claim.Count() is 1 ? (object)claim.Single().Value : claim.Select(one => one.Value).ToArray()),
            IssuedAt = (now + ends - TimeSpan.FromHours(1)).UtcDateTime,
            Expires = (now + ends).UtcDateTime,
            TokenType = "at+jwt",
            SigningCredentials = new(new ECDsaSecurityKey(signing), SecurityAlgorithms.EcdsaSha256),
            EncryptingCredentials = new(encryption, SecurityAlgorithms.Aes256KW, SecurityAlgorithms.Aes256CbcHmacSha512),
        });
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        data.Dispose();
    }
}
