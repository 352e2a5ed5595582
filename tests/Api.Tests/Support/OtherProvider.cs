using System.Security.Claims;
using System.Security.Cryptography;
using Microsoft.AspNetCore;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.Tokens;
using OpenIddict.Abstractions;
using OpenIddict.Server.AspNetCore;
using static OpenIddict.Server.OpenIddictServerEvents;

namespace NannyOrleans.Api.Tests.Support;

/// <summary>Another provider of sign-ins, with OpenID Connect's endpoints and keys of its own. Whoever comes is <see cref="Who"/>.</summary>
internal sealed class OtherProvider(WebApplication app) : IAsyncDisposable
{
    private const string Client = "nanny";
    private const string Secret = "what the server proves itself with";

    // The same for each test: our server asks for a provider's keys once in a while.
    private static readonly ECDsaSecurityKey Signing = new(ECDsa.Create(ECCurve.NamedCurves.nistP256));
    private static readonly SymmetricSecurityKey Encryption = new(RandomNumberGenerator.GetBytes(32));

    /// <summary>Who signs in next.</summary>
    public (string Subject, string Name, string[] Groups) Who { get; set; }

    /// <summary>What our server is told of it.</summary>
    public static (string, string)[] Settings(Uri url) =>
    [
        ("NANNY_Oidc__Authority", url.ToString()), ("NANNY_Oidc__ClientId", Client), ("NANNY_Oidc__ClientSecret", Secret),
        ("NANNY_Oidc__RoleClaim", "groups"), ("NANNY_Oidc__Roles__ops", "operator"), ("NANNY_Oidc__Roles__night", "viewer"),
    ];

    public static async Task<OtherProvider> Start(Uri url)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(url.ToString());
        builder.Services.AddOpenIddict().AddServer(server =>
        {
            server.SetAuthorizationEndpointUris("authorize").SetTokenEndpointUris("token");
            server.AllowAuthorizationCodeFlow().RequireProofKeyForCodeExchange();
            server.RegisterScopes(OpenIddictConstants.Scopes.Profile);
            server.AddSigningKey(Signing).AddEncryptionKey(Encryption).EnableDegradedMode();
            server.UseAspNetCore().DisableTransportSecurityRequirement().EnableAuthorizationEndpointPassthrough();
            server.AddEventHandler<ValidateAuthorizationRequestContext>(handler => handler.UseInlineHandler(context =>
            {
                if (context.ClientId is not Client)
                {
                    context.Reject(OpenIddictConstants.Errors.InvalidClient);
                }

                return default;
            }));
            server.AddEventHandler<ValidateTokenRequestContext>(handler => handler.UseInlineHandler(context =>
            {
                if (context.ClientId is not Client || context.ClientSecret is not Secret)
                {
                    context.Reject(OpenIddictConstants.Errors.InvalidClient);
                }

                return default;
            }));
        });
        var app = builder.Build();
        var provider = new OtherProvider(app);
        app.UseAuthentication();
        app.MapGet("/authorize", provider.Authorize);
        await app.StartAsync();

        // Its first answer takes long on a machine that is busy, longer than anybody who signs in would wait.
        using var first = new HttpClient { Timeout = Waiting.Limit };
        await first.GetStringAsync(new Uri(url, ".well-known/openid-configuration"));
        return provider;
    }

    public ValueTask DisposeAsync() => app.DisposeAsync();

    private IResult Authorize(HttpContext http)
    {
        var identity = new ClaimsIdentity("other");
        identity.SetClaim(OpenIddictConstants.Claims.Subject, Who.Subject).SetClaim(OpenIddictConstants.Claims.PreferredUsername, Who.Name).SetClaims("groups", [.. Who.Groups]);
        identity.SetScopes(http.GetOpenIddictServerRequest()!.GetScopes()).SetDestinations(_ => [OpenIddictConstants.Destinations.IdentityToken]);
        return Results.SignIn(new(identity), null, OpenIddictServerAspNetCoreDefaults.AuthenticationScheme);
    }
}
