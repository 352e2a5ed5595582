using NannyOrleans.Domain.Access;
using NannyOrleans.Silo;

namespace NannyOrleans.Api.Accounts;

/// <summary>Signing in at another provider by OpenID Connect. Section <c>Oidc</c>.</summary>
internal sealed class OidcOptions
{
    /// <summary>The provider's address, whose configuration lies below it. Empty (the default): there is none. It must be https, other than on this machine.</summary>
    public string Authority { get; set; } = string.Empty;

    /// <summary>What this server is called there.</summary>
    public string ClientId { get; set; } = string.Empty;

    /// <summary>What it proves that with; empty for a public client, which PKCE protects alone.</summary>
    public string ClientSecret { get; set; } = string.Empty;

    /// <summary>
    /// The claim that names a person's groups or roles there. Empty (the default): an administrator grants roles here. Otherwise <see cref="Roles"/> decides,
    /// anew with each sign-in, and what was granted here is taken away.
    /// </summary>
    public string RoleClaim { get; set; } = string.Empty;

    /// <summary>From a value of that claim to a role: <c>operator</c>, or <c>operator@c0123456789abcdef</c> for one cluster.</summary>
    public IReadOnlyDictionary<string, string> Roles { get; set; } = new Dictionary<string, string>();

    /// <summary>Where the provider is; null when there is none.</summary>
    public Uri? Provider { get; private set; }

    /// <summary>Reads the section.</summary>
    /// <exception cref="CannotStartException">A value can't be right.</exception>
    public static OidcOptions Read(IConfiguration configuration)
    {
        var oidc = Section.Read<OidcOptions>(configuration, "Oidc");
        if (oidc.Authority.Length is 0)
        {
            return oidc;
        }

        if (!Uri.TryCreate(oidc.Authority, UriKind.Absolute, out var provider) || !(provider.Scheme == Uri.UriSchemeHttps || (provider.Scheme == Uri.UriSchemeHttp && provider.IsLoopback)))
        {
            throw new CannotStartException($"Oidc:Authority '{oidc.Authority}' must be an address that begins with https://.");
        }

        if (oidc.ClientId.Length is 0)
        {
            throw new CannotStartException("Oidc:ClientId is missing: what this server is called at Oidc:Authority.");
        }

        if (oidc.Roles.FirstOrDefault(role => !Grant.TryParse(role.Value, out _)) is { Key: not null } odd)
        {
            throw new CannotStartException($"Oidc:Roles:{odd.Key} '{odd.Value}' must be one of {string.Join(", ", Grant.Roles)}, or with @ and a cluster's id.");
        }

        if (oidc.RoleClaim.Length is 0 && oidc.Roles.Count > 0)
        {
            throw new CannotStartException("Oidc:Roles is set and Oidc:RoleClaim, whose values it is about, is not.");
        }

        oidc.Provider = provider;
        return oidc;
    }

    /// <summary>What the provider's claim grants. A value that is in no mapping grants nothing.</summary>
    public IReadOnlyList<Grant> GrantsOf(IEnumerable<string> values) =>
        [.. values.Select(value => Roles.TryGetValue(value, out var text) && Grant.TryParse(text, out var grant) ? grant : null).OfType<Grant>().Distinct()];
}
