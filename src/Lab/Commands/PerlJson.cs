using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace NannyOrleans.Lab.Commands;

/// <summary>JSON as Proxmox VE's tools print it: keys sorted; on one line, or with three blanks and a blank before the colon.</summary>
internal static class PerlJson
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static JsonObject Object(params (string Key, JsonNode? Value)[] pairs) => new(pairs.Select(p => KeyValuePair.Create(p.Key, p.Value)));

    public static string Line(JsonNode? node) => Written(node, null) + "\n";

    public static string Pretty(JsonNode? node) => Written(node, 0) + "\n";

    /// <summary>An object as `pct status --verbose` and `qm status --verbose` print it: without what is undefined, and without <c>cpu</c>.</summary>
    public static string Lines(JsonObject node) => string.Concat(
        node.Where(p => p.Value is JsonValue && p.Key is not "cpu").OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}: {p.Value}\n"));

    private static string Written(JsonNode? node, int? depth)
    {
        var text = new StringBuilder();
        Write(text, node, depth);
        return text.ToString();
    }

    private static void Write(StringBuilder text, JsonNode? node, int? depth)
    {
        var colon = depth is null ? ":" : " : ";
        switch (node)
        {
            case JsonObject o when o.Count > 0:
                Block(text, '{', '}', o.OrderBy(p => p.Key, StringComparer.Ordinal).ToList(), depth, (pair, deeper) =>
                {
                    text.Append(JsonValue.Create(pair.Key).ToJsonString(Plain)).Append(colon);
                    Write(text, pair.Value, deeper);
                });
                break;
            case JsonArray a when a.Count > 0:
                Block(text, '[', ']', a.ToList(), depth, (item, deeper) => Write(text, item, deeper));
                break;
            default:
                text.Append(node?.ToJsonString(Plain) ?? "null");
                break;
        }
    }

    private static void Block<T>(StringBuilder text, char open, char close, List<T> items, int? depth, Action<T, int?> write)
    {
        text.Append(open);
        for (var i = 0; i < items.Count; i++)
        {
            if (i > 0) { text.Append(','); }
            if (depth is { } d) { text.Append('\n').Append(' ', (d + 1) * 3); }
            write(items[i], depth + 1);
        }

        if (depth is { } now) { text.Append('\n').Append(' ', now * 3); }
        text.Append(close);
    }
}
