using System.Security.Cryptography;
using Microsoft.EntityFrameworkCore;
using Microsoft.IdentityModel.Tokens;
using NannyOrleans.Api.Audit;
using NannyOrleans.Api.Devices;
using NannyOrleans.Api.People;
using NannyOrleans.Domain.Access;
using NannyOrleans.Protocol;
using NannyOrleans.Silo;
using NannyOrleans.Silo.Health;
using NannyOrleans.Silo.Signing;
using NannyOrleans.Silo.Storage;
using OpenIddict.Abstractions;
using OpenIddict.Server;

namespace NannyOrleans.Api.Accounts;

/// <summary>The OAuth server: device flow for agents and command lines, authorization code for tools, and the password grant for what has curl alone.</summary>
internal static class TokenSetup
{
    /// <summary>The OAuth client of people on a command line, and of tools on their machines.</summary>
    public const string CommandLineClient = "nanny-cli";

    /// <summary>The scope of the REST API.</summary>
    public const string ApiScope = "api";

    /// <summary>The least length of a password.</summary>
    public const int LeastPassword = 12;

    /// <summary>The greatest length of a password: hashing a longer one takes time.</summary>
    public const int MostPassword = 256;

    /// <summary>Scopes of tokens that are good for a part of <see cref="ApiScope"/>.</summary>
    public static readonly IReadOnlyDictionary<string, Powers> Scopes = new Dictionary<string, Powers>(StringComparer.Ordinal)
    {
        ["view"] = Powers.View,
        ["operate"] = Powers.Operate,
        ["approve"] = Powers.Approve,
        ["administer"] = Powers.Administer,
    };

    /// <summary>Where a tool signs itself out (RFC 7009).</summary>
    public const string RevocationEndpoint = "/connect/revoke";

    /// <summary>How long a person's refresh token is good that is not used.</summary>
    public static readonly TimeSpan SignedInFor = TimeSpan.FromDays(30);

    private const string EncryptionKeyFile = "token-encryption.key";
    private const string Accounts = "The database of the accounts";

    public static void AddAccounts(this IServiceCollection services, SiloOptions data, OidcOptions oidc)
    {
        if (data.OnPostgres)
        {
            var database = services.AddPostgres(data);
            services.AddDbContext<AccountsDb, PostgresAccountsDb>(accounts =>
                accounts.UseNpgsql(database, postgres => postgres.MigrationsHistoryTable(PostgresAccountsDb.Migrations)).UseOpenIddict());
            services.AddDatabaseCheck<AccountsDb>(Accounts, isShared: true, (provider, _) => Task.FromResult<AccountsDb>(new PostgresAccountsDb(provider.GetRequiredService<DbContextOptions<PostgresAccountsDb>>())));
        }
        else
        {
            var path = data.PathOf("accounts.db");
            SqliteFiles.Open(path, () => SqliteFiles.Prepare(path));
            services.AddDbContext<AccountsDb>(accounts => accounts.UseSqlite($"Data Source={path}").AddInterceptors(new FullSync()).UseOpenIddict());
            services.AddDatabaseCheck(Accounts, isShared: false, (provider, _) => Task.FromResult(new AccountsDb(provider.GetRequiredService<DbContextOptions<AccountsDb>>())));
        }

        services.AddIdentityCore<Person>(identity =>
            {
                identity.Password.RequiredLength = LeastPassword;
                identity.Password.RequireNonAlphanumeric = false;
                identity.Password.RequireDigit = false;
                identity.Password.RequireLowercase = false;
                identity.Password.RequireUppercase = false;
                identity.Lockout.AllowedForNewUsers = true;
            })
            .AddEntityFrameworkStores<AccountsDb>();
        services.AddInstallationProtection(EncryptionKey(data.PathOf(EncryptionKeyFile)));
        var authentication = services.AddAuthentication();
        TokenMemory.Add(authentication);
        SessionCookie.Add(authentication);
        OidcSignIn.Add(authentication, oidc);
        services.AddSingleton(oidc);
        services.AddSingleton<SignIns>();
        services.AddSingleton<PersonalTokens>();
        services.AddScoped<SecondFactors>();
        services.AddSingleton<SignInBrake>().AddSingleton<SignInGate.Places>().AddScoped<SignInGate>();
        services.AddScoped<PasswordCheck>();
        services.AddScoped<OwnAccountEndpoints.Renewal>();
        services.AddHttpContextAccessor();
        services.PostConfigure<LoggerFilterOptions>(KeepSecrets);
        services.AddHostedService<AccountsMigration>();
        services.AddHostedService<AccountsStart>();
        services.AddHostedService<TokenPruning>();
        services.AddSingleton<PersonAccess>();
        services.AddSingleton<AccountTurns>();
        services.AddPolicies();

        services.AddOpenIddict()
            .AddCore(core => core.UseEntityFrameworkCore().UseDbContext<AccountsDb>())
            .AddServer(server => ConfigureServer(server, data))
            .AddValidation(validation =>
            {
                validation.UseLocalServer();

                // From the header alone. A token in an address ends in logs, and the guide's curl examples call their JSON a form.
                validation.UseAspNetCore().DisableAccessTokenExtractionFromBodyForm().DisableAccessTokenExtractionFromQueryString();
            });
    }

    /// <summary>
    /// Whatever is configured: below warnings OpenIddict writes down the tokens that it makes, the codes it is shown, and as the name of who signs in what
    /// somebody may have typed into the wrong field.
    /// </summary>
    private static void KeepSecrets(LoggerFilterOptions logging)
    {
        for (var i = 0; i < logging.Rules.Count; i++)
        {
            var rule = logging.Rules[i];
            logging.Rules[i] = new(rule.ProviderName, rule.CategoryName, rule.LogLevel, (provider, category, level) =>
                (level >= LogLevel.Warning || category?.StartsWith("OpenIddict", StringComparison.Ordinal) is not true) && rule.Filter?.Invoke(provider, category, level) is not false);
        }
    }

    private static void ConfigureServer(OpenIddictServerBuilder server, SiloOptions data)
    {
        server.SetDeviceAuthorizationEndpointUris(Registration.DeviceEndpoint.TrimStart('/'))
            .SetEndUserVerificationEndpointUris(DeviceEndpoints.Path.TrimStart('/'))
            .SetTokenEndpointUris(Registration.TokenEndpoint.TrimStart('/'))
            .SetAuthorizationEndpointUris(AuthorizeEndpoints.Path.TrimStart('/'))
            .SetRevocationEndpointUris(RevocationEndpoint.TrimStart('/'));

        // The same whatever address the server is reached by: by default it is the address of the request, and a server that moves, or
        // has two names, would refuse its own agents' tokens. Which installation a token is for, its keys say.
        server.SetIssuer(new Uri("https://nannyorleans.invalid/"));
        server.AllowDeviceAuthorizationFlow().AllowPasswordFlow().AllowRefreshTokenFlow();

        // Whatever else runs on the machine of a tool may see its code come back; without what the tool kept to itself it is worth nothing.
        server.AllowAuthorizationCodeFlow().RequireProofKeyForCodeExchange()
            .Configure(options => options.CodeChallengeMethods.Remove(OpenIddictConstants.CodeChallengeMethods.Plain));
        server.RegisterScopes([OpenIddictConstants.Scopes.OfflineAccess, Registration.AgentScope, ApiScope, .. Scopes.Keys]);

        server.KeepFamilies();
        server.SetRefreshTokenLifetime(TimeSpan.FromDays(365)).SetAccessTokenLifetime(TimeSpan.FromHours(1)).SetDeviceCodeLifetime(TimeSpan.FromMinutes(15));

        // Typed by people: no vowels, no digits that look like letters.
        server.SetUserCodeCharset([.. "BCDFGHJKLMNPQRSTVWXZ".Select(letter => letter.ToString())]).SetUserCodeLength(8).SetUserCodeDisplayFormat("{0}{1}{2}{3}-{4}{5}{6}{7}");

        server.AddEventHandler<OpenIddictServerEvents.ExtractEndUserVerificationRequestContext>(handler => handler.UseInlineHandler(InAnyCase).SetOrder(int.MaxValue));

        server.AddSigningKey(new ECDsaSecurityKey(SigningKey(data.PathOf("token-signing.pem"))));
        server.AddEncryptionKey(new SymmetricSecurityKey(EncryptionKey(data.PathOf(EncryptionKeyFile))));
        server.Services.AddInstallationKey(data.PathOf("token-signing.pem"));
        server.Services.AddInstallationKey(data.PathOf(EncryptionKeyFile));
        server.AddEventHandler<OpenIddictServerEvents.HandleDeviceAuthorizationRequestContext>(handler => handler.UseSingletonHandler<DeviceCodeRequest>());
        server.AddAudit();

        // TLS ends in front of this process, or does not matter on a loopback port.
        server.UseAspNetCore().EnableEndUserVerificationEndpointPassthrough().EnableAuthorizationEndpointPassthrough().EnableTokenEndpointPassthrough().DisableTransportSecurityRequirement();
    }

    /// <summary>RFC 8628, section 6.1: people type codes as they like.</summary>
    private static ValueTask InAnyCase(OpenIddictServerEvents.ExtractEndUserVerificationRequestContext context)
    {
        context.Request?.UserCode = context.Request.UserCode?.ToUpperInvariant();
        return ValueTask.CompletedTask;
    }

    private static ECDsa SigningKey(string path)
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        key.ImportFromPem(KeyFile.Read(path, () => key.ExportPkcs8PrivateKeyPem()));
        return key;
    }

    private static byte[] EncryptionKey(string path) =>
        Convert.FromBase64String(KeyFile.Read(path, () => Convert.ToBase64String(RandomNumberGenerator.GetBytes(32))));
}
