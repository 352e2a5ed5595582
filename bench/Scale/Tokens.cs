using System.Security.Cryptography;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Bench.Scale;

/// <summary>
/// Access tokens of agents, made with the installation's own keys after the model of one that the server gave out: thousands of device flows
/// would take longer than what is to be measured. What the server makes of a token is the same.
/// </summary>
internal sealed class Tokens
{
    private readonly JsonWebTokenHandler handler = new() { SetDefaultTimesOnTokenCreation = false };
    private readonly SigningCredentials signing;
    private readonly EncryptingCredentials encrypting;
    private readonly Dictionary<string, object> claims;
    private readonly string type;

    private Tokens(SigningCredentials signing, EncryptingCredentials encrypting, JsonWebToken model)
    {
        (this.signing, this.encrypting, type) = (signing, encrypting, model.Typ);
        claims = model.Claims.GroupBy(claim => claim.Type).ToDictionary(group => group.Key, group => (object)(group.Count() > 1 ? group.Select(claim => claim.Value).ToArray() : group.First() switch
        {
            { ValueType: System.Security.Claims.ClaimValueTypes.Integer or System.Security.Claims.ClaimValueTypes.Integer64 } number => long.Parse(number.Value, System.Globalization.CultureInfo.InvariantCulture),
            var text => text.Value,
        }));
    }

    /// <param name="installation">Whose keys.</param>
    /// <param name="model">A token it has given to an agent.</param>
    public static async Task<Tokens> Like(Installation installation, string model)
    {
        var signing = ECDsa.Create();
        signing.ImportFromPem(await File.ReadAllTextAsync(installation.KeyOf("token-signing.pem")));
        var signingKey = new ECDsaSecurityKey(signing);
        var encryptionKey = new SymmetricSecurityKey(Convert.FromBase64String(await File.ReadAllTextAsync(installation.KeyOf("token-encryption.key"))));
        var read = await new JsonWebTokenHandler().ValidateTokenAsync(model, new()
        {
            ValidateAudience = false,
            ValidateIssuer = false,
            IssuerSigningKey = signingKey,
            TokenDecryptionKey = encryptionKey,
        });
        var token = (JsonWebToken)(read.IsValid ? read.SecurityToken : throw read.Exception);
        var inner = token.InnerToken ?? token;
        return new(
            new(signingKey, inner.Alg) { CryptoProviderFactory = new() { CacheSignatureProviders = true } },
            new(encryptionKey, token.Alg, token.Enc),
            inner);
    }

    /// <summary>One for a host.</summary>
    public string For(AgentId agent, string node) => handler.CreateToken(new SecurityTokenDescriptor
    {
        Claims = new Dictionary<string, object>(claims) { ["sub"] = agent.Value, ["nanny_node"] = node },
        TokenType = type,
        SigningCredentials = signing,
        EncryptingCredentials = encrypting,
    });
}
