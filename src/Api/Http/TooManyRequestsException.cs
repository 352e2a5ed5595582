namespace NannyOrleans.Api.Http;

/// <summary>Too often: 429, with when to come again. Thrown as what the framework throws for a request that is too long is: from far below who answers.</summary>
internal sealed class TooManyRequestsException(string message, TimeSpan wait) : BadHttpRequestException(message, StatusCodes.Status429TooManyRequests)
{
    /// <summary>How long to wait.</summary>
    public TimeSpan Wait => wait;
}
