using System.Security.Claims;

namespace NannyOrleans.Api.Dashboard.Calls;

/// <summary>Who has the page open that a call comes from: a feature of requests that never were on a wire.</summary>
/// <param name="Principal">Who, as the cookie said when the page was opened.</param>
internal sealed record PageCaller(ClaimsPrincipal Principal);
