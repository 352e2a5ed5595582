using Parlot;
using Parlot.Fluent;

namespace NannyOrleans.Api.Agents;

/// <summary>
/// The guide's filter language: <c>field == 'text'</c> and <c>!=</c>, joined by <c>&amp;&amp;</c> and <c>||</c> (which binds weaker), with
/// parentheses. A field that a row does not have equals nothing, and so differs from everything.
/// </summary>
internal static class AgentFilter
{
    /// <summary>The longest filter, in characters.</summary>
    public const int MaxLength = 1000;

    private static readonly Dictionary<string, Func<AgentRow, string?>> Fields = new(StringComparer.Ordinal)
    {
        ["id"] = row => row.Id,
        ["name"] = row => (row as GuestRow)?.Name,
        ["hostname"] = row => (row as HostRow)?.Hostname,
        ["os_type"] = row => row.OsType,
        ["platform_family"] = row => row.PlatformFamily,
        ["status"] = row => row.Status,
        ["proxmox_role"] = row => row.ProxmoxRole,
        ["proxmox_cluster"] = row => row.ProxmoxCluster,
        ["proxmox_node_name"] = row => (row as HostRow)?.ProxmoxNodeName ?? (row as GuestRow)?.ProxmoxNodeName,
        ["proxmox_parent_host"] = row => (row as GuestRow)?.ProxmoxParentHost,
        ["proxmox_type"] = row => (row as GuestRow)?.ProxmoxType,
        ["proxmox_vmid"] = row => (row as GuestRow)?.ProxmoxVmid,
    };

    private static readonly Parser<Func<AgentRow, bool>> Grammar = Make();

    /// <summary>The test a filter means, or what is wrong with it.</summary>
    public static (Func<AgentRow, bool>? Test, string? Problem) Parse(string text)
    {
        if (text.Length > MaxLength)
        {
            return (null, $"It may have {MaxLength} characters at most.");
        }

        return Grammar.TryParse(text, out var test, out var error)
            ? (test, null)
            : (null, error?.Message is { Length: > 0 } message
                ? $"{message} (at character {error.Position.Offset + 1})"
                : "It must look like proxmox_role=='host', joined by && or ||.");
    }

    private static Parser<Func<AgentRow, bool>> Make()
    {
        var expression = Deferred<Func<AgentRow, bool>>();
        var field = Terms.Identifier().Then((context, name) => Fields.GetValueOrDefault(name.ToString())
            ?? throw new ParseException($"Unknown field '{name}'; known are {string.Join(", ", Fields.Keys)}.", context.Scanner.Cursor.Position));
        var sign = OneOf(Terms.Text("=="), Terms.Text("!="), Terms.Text("="));
        var comparison = field.And(sign.ElseError("Expected == or !=.")).And(Terms.String(StringLiteralQuotes.SingleOrDouble).ElseError("Expected a quoted text."))
            .Then<Func<AgentRow, bool>>(parts =>
            {
                var (read, same, wanted) = (parts.Item1, parts.Item2 is not "!=", parts.Item3.ToString());
                return row => (read(row) == wanted) == same;
            });
        var group = Between(Terms.Char('('), expression, Terms.Char(')').ElseError("Expected )."));
        var term = group.Or(comparison).ElseError("Expected a field's name.");
        var all = Separated(Terms.Text("&&"), term).Then<Func<AgentRow, bool>>(tests => row => tests.All(test => test(row)));
        expression.Parser = Separated(Terms.Text("||"), all).Then<Func<AgentRow, bool>>(tests => row => tests.Any(test => test(row)));
        return expression.AndSkip(Terms.WhiteSpace().Optional()).Eof().ElseError("Expected && or || or the end.");
    }
}
