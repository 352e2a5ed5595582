using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using NannyOrleans.Lab.Commands;

namespace NannyOrleans.Lab.Tests;

/// <summary>Takes out of an output what no two machines, and no two moments, have in common. All else is compared byte for byte.</summary>
internal static partial class Comparable
{
    /// <summary>Counters and figures of the machine. A zero stays a zero: it says that something is off.</summary>
    private static readonly string[] Figures =
        ["avail", "available", "disk", "free", "mem", "pid", "total", "uptime", "used", "used_fraction", "timestamp"];

    /// <summary>Names of the machine and of the moment.</summary>
    private static readonly string[] Names = ["kversion", "ssl_fingerprint", "uid", "loadavg", "cgroup-mode"];

    /// <summary>Text with dates and the numbers of a moment.</summary>
    public static string Text(string text)
    {
        text = Date().Replace(text, "DATE");
        text = RingId().Replace(text, "Ring ID:          RING");
        text = Stamp().Replace(text, "$1N");
        text = Uid().Replace(text, "$1\"U\"");
        if (text.Contains("status: running\n", StringComparison.Ordinal)) { text = Line().Replace(text, "$1N"); }
        return text;
    }

    /// <summary>JSON on one line: rows and keys come in the order of Perl's hashes, so both sides are sorted.</summary>
    public static string Json(string text)
    {
        var node = JsonNode.Parse(text);
        return PerlJson.Line(Normal(node));
    }

    private static JsonNode? Normal(JsonNode? node)
    {
        switch (node)
        {
            case JsonArray array:
                return new JsonArray([.. array.Select(Normal).OrderBy(PerlJson.Line, StringComparer.Ordinal)]);
            case JsonObject o:
                var isLive = (string?)o["status"] is "running" or "online" or "available";
                var isNode = o["ssl_fingerprint"] is not null || (string?)o["type"] is "node";
                return new JsonObject(o.Select(pair => KeyValuePair.Create(pair.Key, Value(pair.Key, pair.Value, isLive, isNode))));
            default:
                return node?.DeepClone();
        }
    }

    private static JsonNode? Value(string key, JsonNode? value, bool isLive, bool isNode)
    {
        if (Names.Contains(key)) { return "X"; }
        if (key is "cpuinfo" && value is JsonObject cpu) { return new JsonObject(cpu.Select(p => KeyValuePair.Create(p.Key, (JsonNode?)p.Value!.GetValueKind().ToString()))); }
        if (key is "current-kernel") { return "X"; }
        // The test bed counted no traffic; the size of a disk and of a node is the machine's while it is up.
        if (key is "netin" or "netout" || (isLive && (key is "uptime" or "maxdisk")) || (isNode && (key is "maxcpu" or "maxmem"))) { return "N"; }
        if (key is "content") { return string.Join(',', ((string)value!).Split(',').Order(StringComparer.Ordinal)); }
        if (value is JsonValue scalar && scalar.GetValueKind() is System.Text.Json.JsonValueKind.Number && Figures.Contains(key)) { return (double)scalar is 0 ? 0 : "N"; }
        return value is JsonValue text && text.GetValueKind() is System.Text.Json.JsonValueKind.String ? Date().Replace((string)text!, "DATE") : Normal(value);
    }

    [GeneratedRegex(@"(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}")]
    private static partial Regex Date();

    [GeneratedRegex(@"Ring ID:          \d+\.[0-9a-f]+")]
    private static partial Regex RingId();

    [GeneratedRegex("(\"timestamp\" : )\\d+")]
    private static partial Regex Stamp();

    [GeneratedRegex("(\"uid\" : )\"[^\"]+\"")]
    private static partial Regex Uid();

    [GeneratedRegex(@"^((?:disk|maxdisk|mem|netin|netout|pid|uptime): )\d+", RegexOptions.Multiline)]
    private static partial Regex Line();
}
