using System.Globalization;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.RateLimiting;
using NannyOrleans.Api.Devices;
using NannyOrleans.Protocol;
using OpenIddict.Abstractions;

namespace NannyOrleans.Api.Http;

/// <summary>
/// How often one caller may ask: 429 with <c>Retry-After</c> beyond that. By address only where nobody is known yet and something is stored or could be
/// guessed. Not agents' connections and renewals: ten thousand of them may come from one address, and in one moment after an outage.
/// Passwords have a brake of their own (<see cref="Accounts.SignInBrake"/>).
/// </summary>
internal static class RateLimits
{
    /// <summary>Addresses fall into so many places: there are more networks than memory. Which share one nobody can foretell.</summary>
    private const int Places = 16 * 1024;

    /// <summary>Needed by both of the others.</summary>
    public static void AddRateLimits(this IServiceCollection services) => services.AddRateLimiter(_ => { });

    /// <summary>Device codes and their page, before anything looks at the request.</summary>
    public static void UseRegistrationLimits(this IApplicationBuilder app, LimitOptions limits)
    {
        var each = Bucket(2 * limits.RegistrationsPerMinute, limits.RegistrationsPerMinute, TimeSpan.FromMinutes(1));
        var together = Bucket(20 * limits.RegistrationsPerMinute, 10 * limits.RegistrationsPerMinute, TimeSpan.FromMinutes(1));
        app.UseRateLimiter(Limiter(PartitionedRateLimiter.CreateChained(
            PartitionedRateLimiter.Create<HttpContext, int>(http => IsRegistration(http.Request.Path)
                ? RateLimitPartition.GetTokenBucketLimiter(ClientAddress.Of(http).GetHashCode(StringComparison.Ordinal) & (Places - 1), _ => each)
                : RateLimitPartition.GetNoLimiter(Unlimited)),
            PartitionedRateLimiter.Create<HttpContext, int>(http => StoresCode(http.Request.Path)
                ? RateLimitPartition.GetTokenBucketLimiter(0, _ => together)
                : RateLimitPartition.GetNoLimiter(Unlimited)))));
    }

    /// <summary>The API, once it is known who calls.</summary>
    public static void UseCallerLimits(this IApplicationBuilder app, LimitOptions limits)
    {
        var each = Bucket(10 * limits.RequestsPerSecond, limits.RequestsPerSecond, TimeSpan.FromSeconds(1));
        app.UseRateLimiter(Limiter(PartitionedRateLimiter.Create<HttpContext, string>(http =>
            http.Request.Path.StartsWithSegments("/api", StringComparison.OrdinalIgnoreCase) && http.User.GetClaim(OpenIddictConstants.Claims.Subject) is { } caller
                ? RateLimitPartition.GetTokenBucketLimiter(caller, _ => each)
                : RateLimitPartition.GetNoLimiter(string.Empty))));
    }

    /// <summary>Says when to come again; never "at once".</summary>
    public static void SayWhen(HttpResponse response, TimeSpan wait) =>
        response.Headers.RetryAfter = Math.Max(1, Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);

    private const int Unlimited = -1;

    private static bool IsRegistration(PathString path) => StoresCode(path) || path.StartsWithSegments(DeviceEndpoints.Path, StringComparison.OrdinalIgnoreCase);

    private static bool StoresCode(PathString path) => path.StartsWithSegments(Registration.DeviceEndpoint, StringComparison.OrdinalIgnoreCase);

    private static TokenBucketRateLimiterOptions Bucket(int atOnce, int tokens, TimeSpan period)
    {
        // A little at a time, so that nobody waits a minute for what comes by the second.
        var part = Math.Max(1, tokens / (int)(period.TotalSeconds * 10));
        return new() { TokenLimit = atOnce, TokensPerPeriod = part, ReplenishmentPeriod = period * part / tokens, QueueLimit = 0 };
    }

    private static RateLimiterOptions Limiter(PartitionedRateLimiter<HttpContext> limiter) => new()
    {
        GlobalLimiter = limiter,
        RejectionStatusCode = StatusCodes.Status429TooManyRequests, // its words come from Problems
        OnRejected = (refused, _) =>
        {
            SayWhen(refused.HttpContext.Response, refused.Lease.TryGetMetadata(MetadataName.RetryAfter, out var wait) ? wait : TimeSpan.Zero);
            return ValueTask.CompletedTask;
        },
    };
}
