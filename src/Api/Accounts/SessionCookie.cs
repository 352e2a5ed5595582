using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;

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

    private static async Task Validate(CookieValidatePrincipalContext context)
    {
        var clock = context.HttpContext.RequestServices.GetRequiredService<TimeProvider>();
        var begun = context.Properties.Items.TryGetValue(Begun, out var text) && DateTimeOffset.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out var at) ? at : DateTimeOffset.MinValue;
        if (clock.GetUtcNow() - begun >= Longest || !await context.HttpContext.RequestServices.GetRequiredService<SignIns>().Hold(context.Principal!))
        {
            context.RejectPrincipal();
        }
    }

    private const string Begun = "begun";

    /// <summary>What goes into the cookie beside who it is.</summary>
    public static AuthenticationProperties Begin(DateTimeOffset now) => new(new Dictionary<string, string?> { [Begun] = now.ToString("O", System.Globalization.CultureInfo.InvariantCulture) });
}
