using System.Globalization;
using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using OpenIddict.Abstractions;

namespace NannyOrleans.Api.Accounts;

/// <summary>The cookie of who has signed in with a browser. It holds as long as the sign-in that it came of, and is of use to this server's own pages alone.</summary>
internal static class SessionCookie
{
    /// <summary>The scheme's name.</summary>
    public const string SchemeName = "session";

    private const string Name = "nanny_session";

    /// <summary>When it ends, however much it is used.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(7);

    /// <summary>When it ends unused.</summary>
    public static readonly TimeSpan Idle = TimeSpan.FromHours(12);

    /// <summary>Adds the scheme.</summary>
    public static void Add(AuthenticationBuilder authentication) => authentication.AddCookie(SchemeName, cookie =>
    {
        cookie.Cookie.Name = Name;
        cookie.Cookie.HttpOnly = true;
        cookie.Cookie.SameSite = SameSiteMode.Strict;
        cookie.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        cookie.ExpireTimeSpan = Idle;
        cookie.SlidingExpiration = true;
        cookie.LoginPath = SignInPage.Path;
        cookie.ReturnUrlParameter = SignInPage.Return;
        cookie.Events = new() { OnValidatePrincipal = Validate };
    });

    /// <summary>Refuses what a page of somebody else's has a browser send with the cookie: what changes something, and connections that stay open.</summary>
    public static async Task RefuseForeign(HttpContext http, RequestDelegate next)
    {
        if (http.Request.Headers.Authorization.Count is 0 && http.Request.Cookies.ContainsKey(Name) && !IsReading(http.Request) && !IsFromHere(http.Request))
        {
            await Http.Problems.Foreign().ExecuteAsync(http);
            return;
        }

        await next(http);
    }

    /// <summary>
    /// Whether a browser says that a page of this server sends it. What says neither is no browser of today, or is made to look like none.
    /// </summary>
    public static bool IsFromHere(HttpRequest request) =>
        request.Headers["Sec-Fetch-Site"] is [{ Length: > 0 } site]
            ? site is "same-origin"
            : request.Headers.Origin is [{ } origin] && string.Equals(origin, $"{request.Scheme}://{request.Host}", StringComparison.OrdinalIgnoreCase);

    private static bool IsReading(HttpRequest request) =>
        (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method)) && !request.Headers.ContainsKey("Upgrade");

    /// <summary>Whether what a cookie said when a page was opened holds still, for what the page asks for later.</summary>
    public static async ValueTask<bool> Holds(ClaimsPrincipal principal, IServiceProvider services) =>
        DateTimeOffset.TryParse(principal.GetClaim(Begun), CultureInfo.InvariantCulture, out var begun)
        && services.GetRequiredService<TimeProvider>().GetUtcNow() - begun < Longest
        && await services.GetRequiredService<SignIns>().Hold(principal);

    private static async Task Validate(CookieValidatePrincipalContext context)
    {
        // As claims, since of a page that stays open nothing but who opened it is known. The address is that of the latest request.
        context.Principal!.SetClaim(Begun, context.Properties.Items.TryGetValue(Begun, out var begun) ? begun : null);
        context.Principal!.SetClaim(AddressClaim, context.HttpContext.Connection.RemoteIpAddress?.ToString());
        if (!await Holds(context.Principal!, context.HttpContext.RequestServices))
        {
            context.RejectPrincipal();
        }
    }

    /// <summary>Claim: the address that a page was opened from.</summary>
    public const string AddressClaim = "nanny_address";

    private const string Begun = "begun";

    /// <summary>What goes into the cookie beside who it is.</summary>
    public static AuthenticationProperties Begin(DateTimeOffset now) => new(new Dictionary<string, string?> { [Begun] = now.ToString("O", CultureInfo.InvariantCulture) });
}
