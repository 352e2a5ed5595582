using Microsoft.AspNetCore.Components.Endpoints;
using NannyOrleans.Api.Telemetry;

namespace NannyOrleans.Api.Http;

/// <summary>
/// What a browser is told with each answer: it may run, load, frame and remember nothing. A page that needs more says so itself, and what it says stands.
/// </summary>
internal static class SecurityHeaders
{
    private static readonly (string Name, string Value)[] Always =
    [
        ("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"),
        ("X-Content-Type-Options", "nosniff"),
        ("X-Frame-Options", "DENY"), // for what does not know frame-ancestors
        ("Referrer-Policy", "no-referrer"), // a code is in the address of its page
        ("Permissions-Policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
        ("Cache-Control", "no-store"),
    ];

    /// <summary>Orleans' own dashboard has a script of its own, and draws with styles.</summary>
    private const string OfOrleans = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; frame-ancestors 'none'; base-uri 'none'";

    /// <summary>The dashboard's pages run the scripts that this server has as files, and no others; its components are placed and coloured by styles of their own.</summary>
    private const string OfDashboard =
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'self'";

    /// <summary>As the first of all, so that no answer comes without them.</summary>
    public static void UseSecurityHeaders(this IApplicationBuilder app) => app.Use((http, next) =>
    {
        // At the last moment: an error's answer begins by dropping all that was set before.
        http.Response.OnStarting(Add, http);
        return next(http);
    });

    private static Task Add(object state)
    {
        var http = (HttpContext)state;
        var headers = http.Response.Headers;
        if (http.Request.Path.StartsWithSegments(TelemetryEndpoints.Dashboard, StringComparison.OrdinalIgnoreCase))
        {
            headers.ContentSecurityPolicy = OfOrleans;
        }
        else if (http.GetEndpoint()?.Metadata.GetMetadata<ComponentTypeMetadata>() is not null)
        {
            headers.ContentSecurityPolicy = OfDashboard;
        }

        foreach (var (name, value) in Always)
        {
            headers.TryAdd(name, value);
        }

        // By then a proxy that is trusted has said what people use. Over HTTP it would be ignored, and is nobody's to promise.
        if (http.Request.IsHttps)
        {
            headers.TryAdd("Strict-Transport-Security", "max-age=31536000");
        }

        return Task.CompletedTask;
    }
}
