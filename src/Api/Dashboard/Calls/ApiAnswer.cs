using System.Text.Json;
using System.Text.Json.Serialization;

namespace NannyOrleans.Api.Dashboard.Calls;

/// <summary>What the API has answered.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Body">The body: JSON, mostly.</param>
/// <param name="Total">Of a page of a list, how many there are in all; null where it does not say.</param>
public sealed record ApiAnswer(int Status, byte[] Body, int? Total = null)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Whether it is what was asked for.</summary>
    [JsonIgnore] // what is kept of it with a page is what it was made of
    public bool IsOk => Status is >= 200 and < 300;

    /// <summary>Why it is not; null when it is.</summary>
    [JsonIgnore]
    public ApiProblem? Problem => IsOk ? null : ApiProblem.Of(this);

    /// <summary>What is in it.</summary>
    /// <exception cref="JsonException">It is not what was expected.</exception>
    public T Read<T>() => JsonSerializer.Deserialize<T>(Body, Json) ?? throw new JsonException($"null is no {typeof(T).Name}.");

    /// <summary>What is in it, whatever that is.</summary>
    public JsonElement Read() => JsonElement.Parse(Body);

    /// <summary>The body as text.</summary>
    [JsonIgnore]
    public string Text => System.Text.Encoding.UTF8.GetString(Body);
}

/// <summary>Why something was not answered.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Code">What callers may branch on.</param>
/// <param name="Words">For a person.</param>
/// <param name="Fields">What is wrong with each field, by its name.</param>
public sealed record ApiProblem(int Status, string Code, string Words, IReadOnlyDictionary<string, string[]> Fields)
{
    /// <summary>All of it as one text.</summary>
    public string All => Fields.Count is 0 ? Words : string.Join(' ', Fields.Select(one => $"{one.Key}: {string.Join(' ', one.Value)}"));

    /// <summary>The problem that an answer is. One that can't be read is one all the same.</summary>
    public static ApiProblem Of(ApiAnswer answer)
    {
        try
        {
            var json = answer.Body.Length is 0 ? default : answer.Read();
            if (json.ValueKind is JsonValueKind.Object)
            {
                var fields = json.TryGetProperty("errors", out var errors) ? errors.Deserialize<Dictionary<string, string[]>>() : null;
                return new(answer.Status, Text(json, "code") ?? "unknown", Text(json, "detail") ?? Text(json, "title") ?? $"The server answers {answer.Status}.", fields ?? []);
            }
        }
        catch (JsonException)
        {
            // Said below.
        }

        return new(answer.Status, "unknown", $"The server answers {answer.Status} and does not say why.", new Dictionary<string, string[]>());
    }

    private static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString() : null;
}
