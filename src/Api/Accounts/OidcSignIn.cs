using System.Net;
using System.Security.Claims;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.Identity;
using Microsoft.EntityFrameworkCore;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using NannyOrleans.Api.People;
using NannyOrleans.Domain.Access;

namespace NannyOrleans.Api.Accounts;

/// <summary>
/// Signing in with a browser at another provider (OpenID Connect, authorization code with PKCE). An account belongs to an issuer and its subject: a
/// name or an address there may be given to somebody else, or be made up.
/// </summary>
internal static partial class OidcSignIn
{
    /// <summary>Where it begins.</summary>
    public const string Path = SignInPage.Path + "/oidc";

    private const string Done = SignInPage.Path + "/done";
    private const string Callback = SignInPage.Path + "/callback";
    private const string SchemeName = "oidc";

    /// <summary>Adds the scheme, where there is a provider.</summary>
    public static void Add(AuthenticationBuilder authentication, OidcOptions options)
    {
        if (options.Provider is not { } provider)
        {
            return;
        }

        authentication.AddOpenIdConnect(SchemeName, oidc =>
        {
            oidc.Authority = provider.ToString();
            oidc.RequireHttpsMetadata = provider.Scheme == Uri.UriSchemeHttps;
            oidc.ClientId = options.ClientId;
            oidc.ClientSecret = options.ClientSecret.Length > 0 ? options.ClientSecret : null;
            oidc.CallbackPath = Callback;
            oidc.SignInScheme = SessionCookie.SchemeName;
            oidc.ResponseType = OpenIdConnectResponseType.Code;
            oidc.ResponseMode = OpenIdConnectResponseMode.Query;
            oidc.UsePkce = true;
            oidc.MapInboundClaims = false;
            oidc.SaveTokens = false; // it is asked who somebody is, and nothing after that
            oidc.BackchannelTimeout = TimeSpan.FromSeconds(30);
            oidc.Scope.Clear();
            oidc.Scope.Add("openid");
            oidc.Scope.Add("profile");

            // They come back by a link, which is what Lax allows; None would need TLS.
            foreach (var cookie in new[] { oidc.CorrelationCookie, oidc.NonceCookie })
            {
                cookie.SameSite = SameSiteMode.Lax;
                cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
            }

            oidc.Events = new()
            {
                OnTokenValidated = context => SignIn(context, options),
                OnRemoteFailure = async context =>
                {
                    Log.Failed(context.HttpContext.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(OidcSignIn)), context.Failure);
                    context.HandleResponse();
                    await Refused("It was not possible to sign in with the other provider. Try again.").ExecuteAsync(context.HttpContext);
                },
            };
        });
    }

    public static void MapOidcSignIn(this IEndpointRouteBuilder routes, OidcOptions options)
    {
        if (options.Provider is not null)
        {
            routes.MapGet(Path, Begin).AllowAnonymous().ExcludeFromDescription();

            // The cookie is not sent along on a way that began at another site; from this page on it is.
            routes.MapGet(Done, () => Pages.Html("Signed in", "<p>You are signed in. <a href=\"/\">Go on</a></p>", HttpStatusCode.OK)).AllowAnonymous().ExcludeFromDescription();
        }
    }

    internal static async Task<IResult> Begin(HttpContext http, ILoggerFactory loggers)
    {
        try
        {
            await http.ChallengeAsync(SchemeName, new() { RedirectUri = Done });
            return Results.Empty;
        }
        catch (InvalidOperationException unreachable) when (unreachable.InnerException is IOException) // its configuration can't be read
        {
            Log.Failed(loggers.CreateLogger(typeof(OidcSignIn)), unreachable);
            return Refused("The other provider does not answer. Try again later.", HttpStatusCode.ServiceUnavailable);
        }
    }

    private static async Task SignIn(TokenValidatedContext context, OidcOptions options)
    {
        var services = context.HttpContext.RequestServices;
        var (issuer, subject) = (context.SecurityToken.Issuer, context.SecurityToken.Subject);
        Person? person = null;
        await services.GetRequiredService<AccountTurns>().Take(
            async () =>
            {
                var people = services.GetRequiredService<UserManager<Person>>();
                person = await people.FindByLoginAsync(issuer, subject) ?? await Make(services.GetRequiredService<AccountsDb>(), people, context.Principal!, issuer, subject);
                if (options.RoleClaim.Length > 0)
                {
                    await Grant(people, person, options.GrantsOf(context.Principal!.FindAll(options.RoleClaim).Select(claim => claim.Value)));
                }
            },
            context.HttpContext.RequestAborted);
        services.GetRequiredService<PersonAccess>().Forget(person!.Id);
        if (PersonAccess.IsDisabled(person))
        {
            context.HandleResponse();
            await Refused("The account may not sign in any more.").ExecuteAsync(context.HttpContext);
            return;
        }

        context.Principal = await services.GetRequiredService<SignIns>().Begin(person, [TokenSetup.ApiScope]);
        foreach (var (name, value) in SessionCookie.Begin(services.GetRequiredService<TimeProvider>().GetUtcNow()).Items)
        {
            context.Properties!.Items[name] = value;
        }
    }

    /// <summary>An account that may do nothing, and has no password.</summary>
    private static async Task<Person> Make(AccountsDb accounts, UserManager<Person> people, ClaimsPrincipal claims, string issuer, string subject)
    {
        var wanted = claims.FindFirst("preferred_username")?.Value is { } said && Names().IsMatch(said) ? said : "oidc";
        var person = new Person { UserName = wanted is "oidc" || await people.FindByNameAsync(wanted) is not null ? $"{wanted}-{Ulid.NewUlid().ToString()[^8..].ToLowerInvariant()}" : wanted };
        await using var all = await accounts.Database.BeginTransactionAsync();
        Must(await people.CreateAsync(person));
        Must(await people.AddLoginAsync(person, new(issuer, subject, SchemeName)));
        await all.CommitAsync();
        return person;
    }

    private static async Task Grant(UserManager<Person> people, Person person, IReadOnlyList<Grant> granted)
    {
        var before = await PersonAccess.GrantsOf(people, person);
        Must(await people.RemoveClaimsAsync(person, before.Except(granted).Select(Claim)));
        Must(await people.AddClaimsAsync(person, granted.Except(before).Select(Claim)));

        static Claim Claim(Grant grant) => new(PersonAccess.GrantClaim, grant.ToString());
    }

    private static void Must(IdentityResult result)
    {
        if (!result.Succeeded)
        {
            throw new DbUpdateConcurrencyException(string.Join(' ', result.Errors.Select(error => error.Description)));
        }
    }

    private static IResult Refused(string why, HttpStatusCode status = HttpStatusCode.Forbidden) => Pages.Html("Not signed in", Pages.Alert(why), status);

    [GeneratedRegex(@"^[A-Za-z0-9._@+-]{1,48}\z")]
    private static partial Regex Names();

    private static partial class Log
    {
        [LoggerMessage(4301, LogLevel.Warning, "A sign-in with the other provider has failed")]
        public static partial void Failed(ILogger logger, Exception? failure);
    }
}
