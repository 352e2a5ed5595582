using System.Globalization;
using CsCheck;
using NannyOrleans.Domain.Agents;

namespace NannyOrleans.Domain.Tests.Agents;

public sealed class AgentFilterTests
{
    private static readonly GuestRow Full = Rows.Guest with
    {
        CpuPercent = 12.5,
        Cores = 2,
        MemoryBytes = 536870912,
        PendingUpdates = 0,
        RebootRequired = true,
        LastSeen = Some.Noon,
        Tags = ["prod", "web"],
        Notes = "It's \"here\"\n\\ end",
        IpAddresses = [],
    };

    private static readonly AgentRow[] Fleet =
    [
        Rows.Host,
        Rows.Machine,
        Full,
        Rows.Guest with { ProxmoxParentHost = "01M83HYC366EDV4QB830883JAT" },
        Rows.Guest with { ProxmoxType = "qemu", ProxmoxVmid = "99" },
    ];

    [Theory]
    [InlineData("proxmox_role=='host'", 1)]
    [InlineData("proxmox_parent_host=='01M83HW1FS84TGPXTCYJ45S8G9'&&proxmox_type=='lxc'", 1)]
    [InlineData("proxmox_parent_host=='01M83HW1FS84TGPXTCYJ45S8G9'&&proxmox_type=='qemu'", 1)]
    [InlineData("proxmox_role=='guest'", 3)]
    [InlineData("proxmox_vmid < 100", 1)]
    [InlineData("name == 'pve1' || name == 'db1'", 2)]
    public void The_guides_filters_select_what_they_say(string filter, int count) => Assert.Equal(count, Fleet.Count(row => row.Matches(filter)));

    [Fact]
    public void A_quoted_text_means_itself_whatever_is_in_it() => Gen.String[Gen.Char, 0, 50].Sample(text =>
    {
        var known = string.Concat(text.Where(letter => !char.IsControl(letter)));
        return (Full with { Name = known }).Matches($"name == {AgentFilter.Quote(text)}") && !(Full with { Name = $"{known}x" }).Matches($"name == {AgentFilter.Quote(text)}");
    });

    [Theory]
    [InlineData("' || name != '")]
    [InlineData("\\' || true == true || name == '")]
    [InlineData("\\")]
    public void A_quoted_text_does_not_end_the_filter(string text) => Assert.False(Full.Matches($"name == {AgentFilter.Quote(text)}"));

    [Theory]
    // text
    [InlineData("name == 'web-01'", true)]
    [InlineData("name = 'web-01'", true)]
    [InlineData("name == 'WEB-01'", false)]
    [InlineData("name != 'web-01'", false)]
    [InlineData("name ~ 'EB-'", true)]
    [InlineData("name !~ 'EB-'", false)]
    [InlineData("name ~ ''", true)]
    [InlineData("name < 'web-02'", true)]
    [InlineData("name <= 'web-01'", true)]
    [InlineData("name > 'web-01'", false)]
    [InlineData("name >= 'web-01'", true)]
    [InlineData("proxmox_vmid > 99", true)]
    [InlineData("proxmox_vmid == 100", true)]
    [InlineData("proxmox_vmid >= '1000'", false)]
    [InlineData("status == true", false)]
    // number
    [InlineData("cpu_percent == 12.5", true)]
    [InlineData("cpu_percent == '12.50'", true)]
    [InlineData("cpu_percent != 12.5", false)]
    [InlineData("cpu_percent > -1e3", true)]
    [InlineData("cpu_percent < 12.5", false)]
    [InlineData("cpu_percent <= +12.5", true)]
    [InlineData("memory_bytes >= 536870912", true)]
    [InlineData("pending_updates == 0", true)]
    // flag
    [InlineData("reboot_required == true", true)]
    [InlineData("reboot_required = 'true'", true)]
    [InlineData("reboot_required != true", false)]
    [InlineData("template == false", true)]
    // time
    [InlineData("last_seen == '2026-11-23T12:00:00Z'", true)]
    [InlineData("last_seen == '2026-11-23T13:00:00+01:00'", true)]
    [InlineData("last_seen == '2026-11-23T12:00'", true)]
    [InlineData("last_seen != '2026-11-23T12:00:00.5Z'", true)]
    [InlineData("last_seen > '2026-11-23'", true)]
    [InlineData("last_seen >= '2026-11-24'", false)]
    [InlineData("last_seen < '2026-11-24' && last_seen <= '2026-11-23T12:00:00Z'", true)]
    // list
    [InlineData("tags == 'web'", true)]
    [InlineData("tags == 'we'", false)]
    [InlineData("tags != 'web'", false)]
    [InlineData("tags != 'db'", true)]
    [InlineData("tags ~ 'RO'", true)]
    [InlineData("tags !~ 'RO'", false)]
    [InlineData("ip_addresses == null", false)] // empty is known
    [InlineData("ip_addresses ~ ''", false)]
    public void Every_operator_compares_every_kind_it_has_a_meaning_for(string filter, bool expected) => Assert.Equal(expected, Full.Matches(filter));

    [Theory]
    [InlineData("cores == null", true)]
    [InlineData("cores != null", false)]
    [InlineData("cores == 0", false)]
    [InlineData("cores != 0", true)]
    [InlineData("cores < 1", false)]
    [InlineData("cores >= 0", false)]
    [InlineData("notes == ''", false)]
    [InlineData("notes ~ ''", false)]
    [InlineData("notes !~ 'x'", true)]
    [InlineData("notes == 'null'", false)]
    [InlineData("reboot_required == false", false)]
    [InlineData("reboot_required != false", true)]
    [InlineData("last_seen < '2100-01-01'", false)]
    [InlineData("ip_addresses == null", true)]
    [InlineData("hostname == null", true)] // a guest has none
    [InlineData("pending_updates = null", true)]
    public void What_is_not_known_equals_null_alone_and_is_neither_more_nor_less(string filter, bool expected) => Assert.Equal(expected, Rows.Guest.Matches(filter));

    [Theory]
    [InlineData("cores==2 || cores==3 && cores==4", true)]
    [InlineData("(cores==2 || cores==3) && cores==4", false)]
    [InlineData("cores==4 && cores==3 || cores==2", true)]
    [InlineData("cores==4 && (cores==3 || cores==2)", false)]
    [InlineData("cores==9 || cores==8 || cores==2", true)]
    [InlineData("cores==2 && proxmox_vmid==100 && template==true", false)]
    [InlineData(" ( ( cores\t==\n2 ) ) ", true)]
    public void And_binds_before_or_and_parentheses_before_both(string filter, bool expected) => Assert.Equal(expected, Full.Matches(filter));

    [Theory]
    [InlineData("""notes == 'It\'s "here"\n\\ end'""")]
    [InlineData("""notes == "It's \"here\"\n\\ end" """)]
    [InlineData("""notes ~ "it\u0027s" """)]
    public void Texts_stand_in_either_quotes_with_escapes(string filter) => Assert.True(Full.Matches(filter));

    [Theory]
    [InlineData("", "Expected a field's name.", 1)]
    [InlineData("  ", "Expected a field's name.", 3)]
    [InlineData("name", "Expected ==, !=, <, <=, >, >=, ~ or !~.", 5)]
    [InlineData("name is 'x'", "Expected ==, !=, <, <=, >, >=, ~ or !~.", 6)]
    [InlineData("name ==", "Expected a quoted text, a number, true, false or null.", 8)]
    [InlineData("name == 'x", "Expected a quoted text, a number, true, false or null.", 9)]
    [InlineData("""name == '\q'""", "Expected a quoted text, a number, true, false or null.", 9)]
    [InlineData("name === 'x'", "Expected a quoted text, a number, true, false or null.", 8)]
    [InlineData("name == web", "A text needs quotes: 'web'.", 9)]
    [InlineData("cores == 1x", "A text needs quotes: '1x'.", 10)]
    [InlineData("name == 'x' &&", "Expected a field's name.", 15)]
    [InlineData("&& name == 'x'", "Expected a field's name.", 1)]
    [InlineData("name == 'x' & name == 'y'", "Expected && or || or the end.", 13)]
    [InlineData("name == 'x' name == 'y'", "Expected && or || or the end.", 13)]
    [InlineData("name == 'x')", "Expected && or || or the end.", 12)]
    [InlineData("cores == 1,000", "Expected && or || or the end.", 11)]
    [InlineData("(name == 'x'", "Expected ).", 13)]
    [InlineData("(name == 'x' name == 'y')", "Expected ).", 14)]
    [InlineData("()", "Expected a field's name.", 2)]
    [InlineData("cores == 1 && cores == 'many'", "This field is compared with a number.", 24)]
    [InlineData("cores == NaN", "This field is compared with a number.", 10)]
    [InlineData("cores == 1e999", "This field is compared with a number.", 10)]
    [InlineData("cores > null", "This field is compared with a number.", 9)]
    [InlineData("cores ~ '1'", "Only texts and lists can contain something.", 9)]
    [InlineData("name ~ null", "Only texts and lists can contain something.", 8)]
    [InlineData("template < true", "This field has no order; use == or !=.", 12)]
    [InlineData("tags > 'a'", "This field has no order; use == or !=.", 8)]
    [InlineData("template == 'perhaps'", "This field is compared with true, false or null.", 13)]
    [InlineData("last_seen > 'yesterday'", "This field is compared with a time such as '2026-01-31T12:00:00Z'.", 13)]
    [InlineData("last_seen > '12:00'", "This field is compared with a time such as '2026-01-31T12:00:00Z'.", 13)] // of which day?
    [InlineData("last_seen > '01/02/2026'", "This field is compared with a time such as '2026-01-31T12:00:00Z'.", 13)] // of which month?
    public void What_is_wrong_is_said_with_its_column(string filter, string problem, int column) =>
        Assert.Equal((null, $"{problem} (column {column})"), AgentFilter.Parse(filter));

    [Theory]
    [InlineData("nam == 'x'", "nam", 1)]
    [InlineData("name == 'x' && ( Name == 'x')", "Name", 18)]
    public void An_unknown_field_names_the_known_ones(string filter, string field, int column)
    {
        var (test, problem) = AgentFilter.Parse(filter);
        Assert.Null(test);
        Assert.StartsWith($"Unknown field '{field}'; known are id, name, hostname, ", problem, StringComparison.Ordinal);
        Assert.EndsWith($" problem. (column {column})", problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_thousand_characters_are_taken_and_no_more()
    {
        var longest = $"name == '{new string('x', AgentFilter.MaxLength - 10)}'";
        Assert.False(Rows.Guest.Matches(longest));
        Assert.Equal((null, "It may have 1000 characters at most (column 1001)."), AgentFilter.Parse(longest + " "));
        Assert.True(Full.Matches($"{new string('(', 496)}cores==2{new string(')', 496)}")); // as deep as it gets
        Assert.Equal((null, "Expected a field's name. (column 1001)"), AgentFilter.Parse(new string('(', 1000)));
    }

    [Fact]
    public void Any_string_at_all_never_throws() => Gen.String.Sample(text =>
    {
        var (test, problem) = AgentFilter.Parse(text);
        return test is null != problem is null;
    });

    [Fact] // Random strings hardly ever get past the first word; these do.
    public void Any_words_of_the_language_in_any_order_never_throw() =>
        Gen.OneOf("name", "cores", "tags", "template", "last_seen", "==", "!=", "<", ">=", "~", "!~", "&&", "||", "(", ")", "'x'", "\"1\"", "'", "\\", "1", "null", "true", " ", "\0", "\ud800").Array[0, 30].Sample(words =>
        {
            var (test, problem) = AgentFilter.Parse(string.Concat(words));
            test?.Invoke(Full);
            return test is null != problem is null;
        });

    [Fact]
    public void Well_formed_filters_agree_with_what_they_are_made_of() => Expression(4).Sample(
        filter => Assert.All([Full, Rows.Guest, Rows.Guest with { Cores = 1, Name = "1" }], row => Assert.Equal(filter.Holds(row), row.Matches(filter.Text))));

    private static Gen<(string Text, Func<GuestRow, bool> Holds)> Expression(int depth) => depth is 0
        ? Gen.OneOf(Cores, Name)
        : Gen.OneOf(
            Cores,
            Name,
            Gen.Select(Expression(depth - 1), Expression(depth - 1), (a, b) => ($"({a.Text}) && ({b.Text})", (Func<GuestRow, bool>)(row => a.Holds(row) && b.Holds(row)))),
            Gen.Select(Expression(depth - 1), Expression(depth - 1), (a, b) => ($"({a.Text}||{b.Text})", (Func<GuestRow, bool>)(row => a.Holds(row) || b.Holds(row)))));

    private static readonly Gen<(string Text, Func<GuestRow, bool> Holds)> Cores = Gen.Select(Gen.OneOf("==", "!=", "<", "<=", ">", ">="), Gen.Int[0, 3], (sign, number) =>
        ($"cores {sign} {number.ToString(CultureInfo.InvariantCulture)}", (Func<GuestRow, bool>)(row => sign switch
        {
            "==" => row.Cores == number,
            "!=" => row.Cores != number,
            "<" => row.Cores < number,
            "<=" => row.Cores <= number,
            ">" => row.Cores > number,
            _ => row.Cores >= number,
        })));

    private static readonly Gen<(string Text, Func<GuestRow, bool> Holds)> Name = Gen.Select(Gen.OneOf("==", "!=", "~", "!~"), Gen.OneOf("web-01", "1", "W", ""), (sign, text) =>
        ($"name{sign}'{text}'", (Func<GuestRow, bool>)(row => sign switch
        {
            "==" => row.Name == text,
            "!=" => row.Name != text,
            "~" => row.Name.Contains(text, StringComparison.OrdinalIgnoreCase),
            _ => !row.Name.Contains(text, StringComparison.OrdinalIgnoreCase),
        })));
}
