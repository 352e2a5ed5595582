using System.Globalization;
using System.Text;
using System.Text.Json;
using NannyOrleans.Grains.History;

namespace NannyOrleans.Api.Audit;

/// <summary>The audit log as a file: written as it is read, some entries at a time.</summary>
internal static class AuditExport
{
    public const string NdJson = "application/x-ndjson";
    public const string Csv = "text/csv";

    /// <summary>Entries that are in memory at a time.</summary>
    public const int AtOnce = 500;

    /// <summary>The first line of a CSV.</summary>
    public const string CsvHeader = "sequence,at,actor,address,action,target,cluster,result,detail,previous_hash,hash\r\n";

    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Writes all that a query selects.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="first">The first part, which was read already.</param>
    /// <param name="query">Which entries, the oldest first; each part goes on after the last of the one before.</param>
    /// <param name="find">Reads a part.</param>
    /// <param name="write">Writes an entry.</param>
    /// <param name="header">What comes first.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task Write(
        Stream output, IReadOnlyList<AuditRecord> first, AuditQuery query, Func<AuditQuery, Task<IReadOnlyList<AuditRecord>>> find, Action<AuditRecord, StringBuilder> write, string header, CancellationToken cancellationToken)
    {
        var text = new StringBuilder(header);
        for (var part = first; ; part = await find(query with { After = part[^1].Sequence }))
        {
            foreach (var record in part)
            {
                write(record, text);
            }

            await output.WriteAsync(Encoding.UTF8.GetBytes(text.ToString()), cancellationToken);
            text.Clear();
            if (part.Count < query.Take)
            {
                return;
            }
        }
    }

    /// <summary>An entry as a line of JSON. What it says is exactly what was hashed.</summary>
    public static void AsNdJson(AuditRecord record, StringBuilder text) => text.Append(JsonSerializer.Serialize(AuditView.Of(record), Json)).Append('\n');

    /// <summary>An entry as a line of CSV (RFC 4180).</summary>
    public static void AsCsv(AuditRecord record, StringBuilder text)
    {
        var entry = record.Entry;
        string?[] fields =
        [
            record.Sequence.ToString(CultureInfo.InvariantCulture), entry.At.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture), entry.Actor, entry.Address, entry.Action, entry.Target,
            entry.Cluster?.Value, entry.Result, entry.Detail, record.PreviousHash, record.Hash,
        ];
        text.AppendJoin(',', fields.Select(Field)).Append("\r\n");
    }

    // Spreadsheets run what begins like this, quoted or not: an entry's text is often a stranger's.
    private static string Field(string? text) => text switch
    {
        null or "" => string.Empty,
        _ when "=+-@\t\r\n".Contains(text[0], StringComparison.Ordinal) || text[0] is '＝' or '＋' or '－' or '＠' => Quoted($"'{text}"),
        _ => Quoted(text),
    };

    private static string Quoted(string text) => text.AsSpan().ContainsAny(",\"\r\n'") || text != text.Trim() ? $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : text;
}
