using System.Text.Json;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Api.Http;
using NannyOrleans.Domain;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Api.Patches;

/// <summary>What an operation prints, so far or as it comes.</summary>
internal static class OutputStream
{
    // The usual encoder: control characters and all that is not ASCII are escaped, so that nothing a guest prints reaches a terminal as it is.
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <param name="id">The operation's id.</param>
    /// <param name="follow">true: server-sent events until it ends. Without it what there is so far, as JSON.</param>
    /// <param name="offset">Where to begin: <c>STDOUT-STDERR</c>, bytes of each; the id of the last event seen. The Last-Event-ID header stands above it.</param>
    /// <param name="http">The request.</param>
    /// <param name="who">Who asks.</param>
    /// <param name="grains">The control plane.</param>
    internal static async Task<IResult> Get(string id, string? follow, string? offset, HttpContext http, Requester who, IGrainFactory grains)
    {
        var last = http.Request.Headers["Last-Event-ID"].ToString() is { Length: > 0 } header ? header : offset;
        var from = default(OutputPosition);
        var errors = new Dictionary<string, string[]>();
        if (!string.IsNullOrEmpty(last) && !OutputPosition.TryParse(last, out from))
        {
            errors["offset"] = ["It must be two numbers of bytes, STDOUT-STDERR, such as 0-4096: the id of an event."];
        }

        if (follow is not (null or "" or "true" or "false"))
        {
            errors["follow"] = ["It must be true or false."];
        }

        if (errors.Count > 0)
        {
            return Problems.Invalid(errors);
        }

        var (operation, problem) = await grains.FindOperation(id, OperationKind.Patch, who);
        if (operation is null)
        {
            return problem!;
        }

        var grain = grains.GetGrain<IOperationGrain>(operation.Id.Value);
        if (follow is "true")
        {
            await Follow(grain, from, http);
            return TypedResults.Empty;
        }

        return await grain.ReadOutput(from, seen: null, TimeSpan.Zero) is { } page
            ? TypedResults.Json(OutputView.Of(page, from), Json)
            : TypedResults.Problem(Problems.NotFound("patch operation", id));
    }

    private static async Task Follow(IOperationGrain grain, OutputPosition from, HttpContext http)
    {
        var events = new EventStream(http);
        OperationStatus? seen = null;
        try
        {
            while (!http.RequestAborted.IsCancellationRequested)
            {
                OutputPage? page;
                try
                {
                    page = await grain.ReadOutput(from, seen, OutputPage.MaxWait);
                }
                catch (Exception failure) when (Problems.IsUnavailable(failure))
                {
                    // Said once its first byte is out there is no other answer; the client comes back to where it was by itself.
                    await events.Send($"{from}", "error", """{"code":"unavailable"}""");
                    return;
                }

                if (page is null)
                {
                    return;
                }

                foreach (var piece in page.Pieces)
                {
                    from = from.After(piece);
                    await Send("output", new OutputEvent(piece.Channel, piece.Offset, piece.Text));
                }

                if (page.Operation.Status != seen)
                {
                    seen = page.Operation.Status;
                    await Send("status", new StatusEvent(page.Operation.Status, page.Operation.WaitingFor));
                }
                else if (page.Pieces.Count is 0)
                {
                    await events.Say("still there");
                }

                if (page.Operation.Status.IsFinal())
                {
                    await Send("end", new EndEvent(page.Operation.Status, page.Operation.ExitCode, page.Operation.Failure));
                    return;
                }
            }
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // Whoever watched has gone.
        }

        Task Send<T>(string name, T data) => events.Send($"{from}", name, JsonSerializer.Serialize(data, Json));
    }

    private sealed record OutputEvent(OutputChannel Channel, long Offset, string Text);

    private sealed record StatusEvent(OperationStatus Status, string? WaitingFor);

    private sealed record EndEvent(OperationStatus Status, int? ExitCode, Refusal? Failure);
}

/// <summary>What an operation has printed so far.</summary>
/// <param name="OperationId">The operation.</param>
/// <param name="Status">How far it is.</param>
/// <param name="Stdout">Standard output, as far as it is still here.</param>
/// <param name="Stderr">Standard error, as far as it is still here.</param>
/// <param name="StdoutOffset">Bytes of standard output before what is shown.</param>
/// <param name="StderrOffset">Bytes of standard error before what is shown.</param>
/// <param name="Next">The offset to go on from.</param>
internal sealed record OutputView(
    string OperationId, OperationStatus Status, string Stdout, string Stderr, long StdoutOffset, long StderrOffset, string Next)
{
    /// <summary>The view of a page that was read from a position on.</summary>
    public static OutputView Of(OutputPage page, OutputPosition from)
    {
        var next = page.Pieces.Aggregate(from, (position, piece) => position.After(piece));
        var (output, error) = (Of(OutputChannel.StandardOutput), Of(OutputChannel.StandardError));
        return new(page.Operation.Id.Value, page.Operation.Status, output.Text, error.Text, output.Offset, error.Offset, next.ToString());

        (string Text, long Offset) Of(OutputChannel channel)
        {
            var pieces = page.Pieces.Where(piece => piece.Channel == channel).ToArray();
            return (string.Concat(pieces.Select(piece => piece.Text)), pieces is [var first, ..] ? first.Offset : from.Of(channel));
        }
    }
}
