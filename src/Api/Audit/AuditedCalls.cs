using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using NannyOrleans.Api.Http;
using NannyOrleans.Grains.History;

namespace NannyOrleans.Api.Audit;

/// <summary>
/// Writes down each call that may change something: before it does, that it is asked for, and what can't be written down is not done; afterwards only
/// where there is more to say: it was refused, it failed, or something was made. Of work that goes on the operations and campaigns speak themselves.
/// </summary>
internal sealed partial class AuditedCalls(IGrainFactory grains, TimeProvider clock, ILogger<AuditedCalls> logger) : IEndpointFilter
{
    /// <inheritdoc/>
    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        if (http.GetEndpoint() is not { } endpoint || !Audited.Changes(endpoint, http.Request.Method))
        {
            return await next(context);
        }

        var asked = Asked(context, endpoint);
        try
        {
            await Add(asked);
        }
        catch (Exception failure)
        {
            Log.NotWritten(logger, asked.Actor, asked.Action, asked.Target, failure);
            return TypedResults.Problem(new ProblemDetails
            {
                Status = StatusCodes.Status503ServiceUnavailable,
                Detail = "Nothing was done: the audit log can't be written at the moment. Try again.",
                Extensions = { ["code"] = "unavailable" },
            });
        }

        object? answer;
        try
        {
            answer = await next(context);
        }
        catch (Exception failure)
        {
            var (code, why) = failure switch
            {
                BadHttpRequestException bad => ("invalid-request", bad.Message),
                _ when Problems.IsUnavailable(failure) => ("unknown-outcome", "The control plane did not answer in time."),
                _ => ("internal-error", failure.GetType().Name),
            };
            await AddAfterwards(asked with { At = clock.GetUtcNow(), Result = code, Detail = why });
            throw;
        }

        if (OutcomeOf(answer, AuditNote.Of(http)) is (var result, var detail))
        {
            await AddAfterwards(asked with { At = clock.GetUtcNow(), Result = result, Detail = detail });
        }

        return answer;
    }

    private AuditEntry Asked(EndpointFilterInvocationContext context, Endpoint endpoint)
    {
        var http = context.HttpContext;
        var body = context.Arguments.OfType<IJsonBody>().Select(argument => argument.Value).OfType<IAudited>().FirstOrDefault();
        var route = string.Join('/', http.Request.RouteValues.Values);
        var target = Bounded(route.Length > 0 ? route : body?.AuditTarget ?? http.Request.Path.Value) ?? string.Empty;
        return new(clock.GetUtcNow(), Audited.Actor(http.User), Audited.Action(endpoint), target, "asked", Bounded(body?.AuditDetail))
        {
            Address = Audited.Address(http),
            Cluster = Audited.ClusterOf(target),
        };
    }

    private Task Add(AuditEntry entry) => grains.GetGrain<IHistoryGrain>(0).AddAudit(entry);

    // It is done, or not done, and that it was asked for is written: who asked gets the answer all the same.
    private async Task AddAfterwards(AuditEntry entry)
    {
        try
        {
            await Add(entry);
        }
        catch (Exception failure)
        {
            Log.OutcomeNotWritten(logger, entry.Actor, entry.Action, entry.Target, entry.Result, failure);
        }
    }

    private static (string Result, string? Detail)? OutcomeOf(object? answer, AuditNote note)
    {
        var result = answer;
        while (result is INestedHttpResult nested)
        {
            result = nested.Result;
        }

        var value = (result as IValueHttpResult)?.Value;
        return (result as IStatusCodeHttpResult)?.StatusCode switch
        {
            >= 400 and var status => value is ProblemDetails problem
                ? (problem.Extensions.TryGetValue("code", out var code) && code is string text ? text : $"status-{status}", Bounded(Why(problem)))
                : ($"status-{status}", null),
            StatusCodes.Status201Created when note.Detail is null && result is { } made && Location(made) is { } location => ("done", $"made {location}"),
            _ => note.Detail is { } detail ? ("done", Bounded(detail)) : null,
        };
    }

    private static string? Why(ProblemDetails problem) => problem is HttpValidationProblemDetails invalid
        ? string.Join(' ', invalid.Errors.Select(error => $"{error.Key}: {string.Join(' ', error.Value)}"))
        : problem.Detail;

    // Created<T> has it for each T and under no interface.
    private static string? Location(object created) => created.GetType().GetProperty(nameof(Created.Location))?.GetValue(created) as string;

    private static string? Bounded(string? text) => text is { Length: > Audited.MaxDetail } ? text[..Audited.MaxDetail] : text;

    private static partial class Log
    {
        [LoggerMessage(5301, LogLevel.Error, "{Actor} asks for {Action} of {Target}, and that could not be written down; nothing is done")]
        public static partial void NotWritten(ILogger logger, string actor, string action, string target, Exception failure);

        [LoggerMessage(5302, LogLevel.Error, "{Actor} asked for {Action} of {Target}, which ended {Result}, and that could not be written down")]
        public static partial void OutcomeNotWritten(ILogger logger, string actor, string action, string target, string result, Exception failure);
    }
}
