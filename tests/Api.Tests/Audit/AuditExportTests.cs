using System.Text;
using System.Text.Json;
using NannyOrleans.Api.Audit;
using NannyOrleans.Api.Tests.Support;
using NannyOrleans.Grains.History;

namespace NannyOrleans.Api.Tests.Audit;

public sealed class AuditExportTests
{
    private static readonly AuditRecord Record = new(7, new(Some.Noon, "person admin", "look", "all", "done", null), "00", "ff");

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("a,b", "\"a,b\"")]
    [InlineData("he said \"no\"", "\"he said \"\"no\"\"\"")]
    [InlineData("two\nlines", "\"two\nlines\"")]
    [InlineData(" spaces ", "\" spaces \"")]
    [InlineData("=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\"")] // what a spreadsheet would run
    [InlineData("+1", "\"'+1\"")]
    [InlineData("-1", "\"'-1\"")]
    [InlineData("@SUM(1)", "\"'@SUM(1)\"")]
    [InlineData("\t=1", "\"'\t=1\"")]
    [InlineData("\r=1", "\"'\r=1\"")]
    [InlineData("\uff1d1", "\"'\uff1d1\"")] // wide, which some take for the same
    [InlineData("a=1", "a=1")]
    public void A_text_is_a_text_in_a_spreadsheet(string target, string field)
    {
        var text = new StringBuilder();
        AuditExport.AsCsv(Record with { Entry = Record.Entry with { Target = target } }, text);
        Assert.Equal($"7,2026-11-23T12:00:00.000Z,person admin,,look,{field},,done,,00,ff\r\n", text.ToString());
    }

    [Fact]
    public async Task A_log_is_written_as_it_is_read_a_part_at_a_time()
    {
        var asked = new List<long?>();
        var all = Enumerable.Range(1, 10).Select(number => Record with { Sequence = number, Entry = Record.Entry with { Detail = "\u001b[31m\n" } }).ToArray();
        using var output = new MemoryStream();
        var query = new AuditQuery(4) { After = 0, OldestFirst = true };
        await AuditExport.Write(output, await Find(query), query, Find, AuditExport.AsNdJson, "", CancellationToken.None);
        Assert.Equal([0, 4, 8], asked);
        var lines = Encoding.UTF8.GetString(output.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(Enumerable.Range(1, 10).Select(number => (long)number), lines.Select(line => JsonElement.Parse(line).GetProperty("sequence").GetInt64()));
        Assert.All(lines, line => Assert.Equal("\u001b[31m\n", JsonElement.Parse(line).GetProperty("detail").GetString()));

        Task<IReadOnlyList<AuditRecord>> Find(AuditQuery part)
        {
            asked.Add(part.After);
            return Task.FromResult<IReadOnlyList<AuditRecord>>([.. all.Where(record => record.Sequence > part.After).Take(part.Take)]);
        }
    }
}
