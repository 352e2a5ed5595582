using System.Data.Common;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.EntityFrameworkCore;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Domain;
using NannyOrleans.Domain.Access;
using NannyOrleans.Domain.Clusters;
using NannyOrleans.Domain.Targets;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Silo;

namespace NannyOrleans.Api.Http;

/// <summary>How a "no" looks over HTTP: problem details (RFC 9457), with a stable <c>code</c> that callers may branch on.</summary>
internal static class Problems
{
    /// <summary>What the caller asks for contradicts the present state: 409.</summary>
    public static ProblemDetails ToProblem(this Refusal refusal) => Of(StatusCodes.Status409Conflict, refusal.Code, refusal.Message);

    /// <summary>Nothing has this id: 404.</summary>
    public static ProblemDetails NotFound(string what, string id) => Of(StatusCodes.Status404NotFound, "not-found", $"There is no {what} '{id}'.");

    /// <summary>The caller sees it and may not do this with it: 403.</summary>
    public static ProblemDetails Forbidden(Powers missing, ClusterId where) =>
        Of(StatusCodes.Status403Forbidden, "forbidden", $"It needs the permission to {$"{missing}".ToLowerInvariant()} on {where}.");

    /// <summary>An agent that was revoked or replaced since its token was given out: 403.</summary>
    public static ProblemDetails NotRegistered() => Of(StatusCodes.Status403Forbidden, "forbidden", "This agent is not registered for its node any more.");

    /// <summary>Who started a campaign does not approve its reboots, where duties are separated: 403.</summary>
    public static ProblemDetails OwnCampaign() => Of(
        StatusCodes.Status403Forbidden, "own-campaign", "Who has started a campaign can't approve its reboots on this server; somebody else has to.");

    /// <summary>Nothing that can be read has this id, and not all can be read: 503.</summary>
    public static ProblemDetails Unread(string id) => Of(
        StatusCodes.Status503ServiceUnavailable, "node-unread", $"What some hosts have reported can't be read at the moment, and '{id}' is not among the rest. Try again in a minute.");

    /// <summary>A short id means several things: 409, with what it may mean.</summary>
    public static ProblemDetails Ambiguous(string id, IEnumerable<Target> candidates)
    {
        var problem = Of(StatusCodes.Status409Conflict, "ambiguous-id", $"'{id}' means more than one thing; use one of the candidates' ids.");
        problem.Extensions["candidates"] = candidates.Select(target => new { target.Id, name = target.Guest?.Name ?? target.Node.Name.Value, node = target.Node.Name.Value, cluster = target.ClusterName }).ToArray();
        return problem;
    }

    /// <summary>A name is that of several clusters: 409, with their ids.</summary>
    public static ProblemDetails Ambiguous(string name, IEnumerable<ClusterOverview> candidates)
    {
        var problem = Of(StatusCodes.Status409Conflict, "ambiguous-id", $"'{name}' is the name of more than one cluster; use one of their ids.");
        problem.Extensions["candidates"] = candidates.Select(cluster => new { id = cluster.Id.Value, cluster.Name }).ToArray();
        return problem;
    }

    /// <summary>Fields that are wrong, each with what is wrong with it: 400.</summary>
    public static ValidationProblem Invalid(IReadOnlyDictionary<string, string[]> errors) =>
        TypedResults.ValidationProblem(errors.ToDictionary(), extensions: [new("code", "invalid-request")]);

    /// <summary>Says what went wrong in words and with the right status; what is a bug stays a 500 without its insides.</summary>
    public static void AddProblems(this IServiceCollection services)
    {
        services.AddProblemDetails(problems => problems.CustomizeProblemDetails = context =>
            context.ProblemDetails.Extensions.TryAdd("code", CodeOf(context.ProblemDetails.Status)));
        services.AddExceptionHandler<Handler>();
    }

    /// <summary>The code of an answer that nothing of ours wrote: the framework's own, such as a route that is not there.</summary>
    private static string CodeOf(int? status) => status switch
    {
        StatusCodes.Status401Unauthorized => "unauthorized",
        StatusCodes.Status403Forbidden => "forbidden",
        StatusCodes.Status404NotFound => "not-found",
        StatusCodes.Status405MethodNotAllowed => "method-not-allowed",
        StatusCodes.Status408RequestTimeout => "too-slow",
        StatusCodes.Status413PayloadTooLarge => "body-too-large",
        StatusCodes.Status429TooManyRequests => "too-many-requests",
        >= 500 => "internal-error",
        _ => "bad-request",
    };

    /// <summary>A request that may have been carried out or not: 503, with the id to look for.</summary>
    public static ProblemDetails UnknownOutcome(JobId operation, string path = "/api/patches")
    {
        var problem = Of(
            StatusCodes.Status503ServiceUnavailable,
            "unknown-outcome",
            $"The control plane did not answer in time. The operation may have been queued: look at {path}/{operation} before asking again.");
        problem.Extensions["operation_id"] = operation.Value;
        return problem;
    }

    /// <summary>An agent that this process has no place for: 503. Another process may have one.</summary>
    public static ProblemDetails Full() => Of(StatusCodes.Status503ServiceUnavailable, "full", "This server has as many agents as it can hold; connect to another, or later.");

    /// <summary>Too often: 429 with <c>Retry-After</c>; to a browser that has sent a form in words.</summary>
    public static IResult TooMany(HttpContext http, TooManyRequestsException refused)
    {
        RateLimits.SayWhen(http.Response, refused.Wait);
        return http.Request.HasFormContentType && http.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase)
            ? Pages.Html("Too many tries", $"<p role=\"alert\">{Pages.Encode(refused.Message)}</p><p>That is {http.Response.Headers.RetryAfter} seconds. Then go back and try again.</p>", (HttpStatusCode)refused.StatusCode)
            : Results.Problem(Of(refused.StatusCode, CodeOf(refused.StatusCode), refused.Message));
    }

    /// <summary>The caller may not do this: 403.</summary>
    public static ProblemDetails Forbidden(string why) => Of(StatusCodes.Status403Forbidden, "forbidden", why);

    /// <summary>Somebody is not the person he says he is, as far as he has shown: 401.</summary>
    public static ProblemDetails NotLetIn(PasswordAnswer answer) => Of(StatusCodes.Status401Unauthorized, answer.Code, answer.Words);

    /// <summary>A browser sends it for another's page, or does not say for whose: 403.</summary>
    public static ProblemHttpResult Foreign() => TypedResults.Problem(Of(
        StatusCodes.Status403Forbidden, "cross-site", "With a cookie this can be done from a page of this server alone: Sec-Fetch-Site or Origin must say so. Programs use a token."));

    /// <summary>Whether an exception means that a silo or its storage could not be reached or did not answer.</summary>
    public static bool IsUnavailable(Exception exception) =>
        exception is OrleansException or TimeoutException or OrleansMessageRejectionException || IsDatabaseAway(exception);

    // The accounts' database is this process's own; what a silo says of its own comes as its exception, or as one of Orleans' where it can't be made here.
    private static bool IsDatabaseAway(Exception exception) => exception is DbException { IsTransient: true }
        || (exception is not DbException && exception.InnerException is { } inner && IsDatabaseAway(inner));

    private static ProblemDetails Of(int status, string code, string detail) => new()
    {
        Status = status,
        Detail = detail,
        Extensions = { ["code"] = code },
    };

    private sealed class Handler : IExceptionHandler
    {
        public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
        {
            switch (exception)
            {
                case BadHttpRequestException { InnerException: JsonException json }:
                    var field = json.Path?.TrimStart('$', '.') is { Length: > 0 } path ? path : "body";
                    await Invalid(new Dictionary<string, string[]> { [field] = [Plain(json)] }).ExecuteAsync(httpContext);
                    return true;
                case TooManyRequestsException refused:
                    await TooMany(httpContext, refused).ExecuteAsync(httpContext);
                    return true;
                case BadHttpRequestException bad:
                    await Results.Problem(Of(bad.StatusCode, CodeOf(bad.StatusCode), bad.Message)).ExecuteAsync(httpContext);
                    return true;
                case InvalidDataException form when httpContext.Request.HasFormContentType:
                    // A form with too many or too long fields; the OAuth endpoints read theirs before anybody is asked who he is.
                    await Results.Problem(Of(StatusCodes.Status400BadRequest, "bad-request", form.Message)).ExecuteAsync(httpContext);
                    return true;
                case DbUpdateConcurrencyException:
                    await Results.Problem(Of(StatusCodes.Status409Conflict, "changed-meanwhile", "Somebody else has changed it at the same time. Look at it, and try again.")).ExecuteAsync(httpContext);
                    return true;
                case IOException { Source: "Microsoft.AspNetCore.WebUtilities" or "Microsoft.AspNetCore.Server.Kestrel.Core" } broken:
                    // A body that is not what its head says: a form of several parts without an end, a chunk longer than there can be.
                    await Results.Problem(Of(StatusCodes.Status400BadRequest, "bad-request", broken.Message)).ExecuteAsync(httpContext);
                    return true;
                case { } when OlderSilo.Answered(exception):
                    await Results.Problem(Of(StatusCodes.Status503ServiceUnavailable, "older-release", "A part of the servers is of an older release and can't answer this yet; try again once all are upgraded.")).ExecuteAsync(httpContext);
                    return true;
                case { } when IsUnavailable(exception):
                    await Results.Problem(Of(StatusCodes.Status503ServiceUnavailable, "unavailable", "The control plane can't answer at the moment; try again.")).ExecuteAsync(httpContext);
                    return true;
                default:
                    return false;
            }
        }

        // The serializer speaks of .NET types and of its own coordinates; the path is in the field's name already.
        private static string Plain(JsonException json) => json.Message switch
        {
            var message when message.Contains("could not be mapped to any", StringComparison.Ordinal) => "There is no such field.",
            var message when message.Contains("could not be converted to", StringComparison.Ordinal) => "It has the wrong type.",
            var message when message.StartsWith("Duplicate property", StringComparison.Ordinal) => "It is there more than once.",
            var message when message.Contains("does not contain any JSON", StringComparison.Ordinal) => "It is empty; a JSON object is expected.",
            var message => message.Split(" Path: ")[0].Split(" LineNumber: ")[0],
        };
    }
}
