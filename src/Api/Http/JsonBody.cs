using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.Metadata;

namespace NannyOrleans.Api.Http;

/// <summary>A body that was read, of whatever type.</summary>
internal interface IJsonBody
{
    /// <summary>What was read.</summary>
    object Value { get; }
}

/// <summary>
/// A request's body as JSON whatever its content type says: <c>curl -d</c> says "form", and the guide's examples are written with it.
/// </summary>
/// <typeparam name="T">What the JSON describes.</typeparam>
internal sealed record JsonBody<T>(T Value) : IJsonBody, IEndpointParameterMetadataProvider
    where T : class
{
    object IJsonBody.Value => Value;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,

        // A misspelled field would be a request for something else than the person meant.
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowDuplicateProperties = false,
        NumberHandling = JsonNumberHandling.Strict,
    };

    /// <summary>Called by ASP.NET Core to make the parameter.</summary>
    public static async ValueTask<JsonBody<T>> BindAsync(HttpContext context)
    {
        try
        {
            return new(await JsonSerializer.DeserializeAsync<T>(context.Request.Body, Json, context.RequestAborted)
                ?? throw new JsonException("The body must be a JSON object, not null."));
        }
        catch (JsonException malformed)
        {
            throw new BadHttpRequestException("The body is not the JSON that is expected.", StatusCodes.Status400BadRequest, malformed);
        }
    }

    /// <inheritdoc/>
    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) =>
        builder.Metadata.Add(new AcceptsMetadata(["application/json", "*/*"], typeof(T)));
}
