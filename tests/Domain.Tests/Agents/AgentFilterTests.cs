using System.Globalization;
using CsCheck;
using NannyOrleans.Domain.Agents;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Metrics;
using static NannyOrleans.Domain.Tests.Some;

namespace NannyOrleans.Domain.Tests.Agents;

public sealed class AgentFilterTests
{
    // Host pve1, CT 100 (running, 2 cores, tags a and b), CT 99999 (no figures at all), VM 200 (stopped, 8 cores).
    private static readonly AgentRow[] Rows =
    [
        .. AgentRow.Of(View(Lab((Pve1, Taken(Pve1, Inventory(
                Container() with { Cores = 2, MemoryBytes = 1024, Tags = ["a", "b"], Addresses = ["192.168.1.100", "fd00::1"], PrimaryAddress = "192.168.1.100", OnBoot = true, Lock = "backup" },
                Container(99999, "it's") with { Os = null, OsType = "unmanaged" },
                Machine() with { Cores = 8, OnBoot = false }))))
            .RecordMetrics(Pve1, Sample(new GuestMetrics(new(100), GuestType.Lxc, GuestStatus.Running) { CpuCores = 1 }) with { CpuPercent = 12.5 }, Noon))),
    ];

    [Theory]
    [InlineData("proxmox_role=='host'", "pve1")] // the guide's
    [InlineData("proxmox_parent_host=='01M83HW1FS84TGPXTCYJ45S8G9'", "100 200 99999")]
    [InlineData("proxmox_parent_host=='01M83HW1FS84TGPXTCYJ45S8G9'&&proxmox_type=='lxc'", "100 99999")]
    [InlineData("proxmox_parent_host=='agent-abc123'", "")]
    [InlineData("proxmox_vmid == 100", "100")] // texts that are numbers need no quotes
    [InlineData("proxmox_vmid = \"100\"", "100")]
    [InlineData("proxmox_vmid > 100", "200 99999")] // as numbers
    [InlineData("proxmox_vmid < '1000'", "100 200")]
    [InlineData("cores > 2", "200")]
    [InlineData("cores >= 2", "100 200")]
    [InlineData("cores < 8", "100")]
    [InlineData("cores <= 8", "100 200")]
    [InlineData("cores != 2", "pve1 200 99999")] // what is not known is not 2
    [InlineData("cores == null", "pve1 99999")]
    [InlineData("cores != null", "100 200")]
    [InlineData("cpu_percent == 12.5", "pve1")]
    [InlineData("cpu_percent >= 5e1", "100")]
    [InlineData("cpu_percent > -1", "pve1 100")]
    [InlineData("onboot == true", "100")]
    [InlineData("onboot != true", "pve1 200 99999")]
    [InlineData("onboot == 'false'", "200")]
    [InlineData("tags == 'a'", "100")] // a list equals each of its items
    [InlineData("tags != 'a'", "pve1 200 99999")]
    [InlineData("ip_addresses ~ '192.168.'", "100")]
    [InlineData("ip_addresses !~ '192.168.'", "pve1 200 99999")]
    [InlineData("name ~ 'WEB'", "100")] // in any case
    [InlineData("name == 'WEB-01'", "")]
    [InlineData("name == \"it's\"", "99999")]
    [InlineData("name == 'it\\'s'", "99999")]
    [InlineData("lock == null && proxmox_role == 'guest'", "200 99999")]
    [InlineData("last_seen == '2026-11-23T12:00:00Z'", "pve1 100 200 99999")]
    [InlineData("last_seen > '2026-11-23'", "pve1 100 200 99999")]
    [InlineData("last_seen < '2026-11-23T14:00:01+02:00'", "pve1 100 200 99999")]
    [InlineData("last_seen < '2026-11-23T12:00'", "")]
    [InlineData("proxmox_vmid==100||proxmox_vmid==200&&cores==2", "100")] // && binds tighter
    [InlineData("(proxmox_vmid==100||proxmox_vmid==200)&&cores==8", "200")]
    [InlineData("cores==8&&proxmox_vmid==200||proxmox_role=='host'", "pve1 200")]
    [InlineData(" \t\n( ( status\n== 'running' ) )  ", "100 99999")]
    public void Selects(string filter, string found)
    {
        var (test, problem) = AgentFilter.Parse(filter);
        Assert.Null(problem);
        Assert.Equal(found, string.Join(' ', Rows.Where(test!).Select(row => row is GuestRow guest ? guest.ProxmoxVmid : "pve1")));
    }

    [Theory]
    [InlineData("", 1)]
    [InlineData("   ", 1)]
    [InlineData("foo=='x'", 1, "Unknown field 'foo'")]
    [InlineData("name=='x' && bar=='y'", 14, "Unknown field 'bar'")]
    [InlineData("NAME=='x'", 1, "Unknown field 'NAME'")]
    [InlineData("name", 5, "Expected ==")]
    [InlineData("name 'x'", 5, "Expected ==")]
    [InlineData("name==", 7, "Expected a quoted text")]
    [InlineData("name==x", 7, "needs quotes")]
    [InlineData("name=='x", 7)] // never ends
    [InlineData("name=='x' name=='y'", 11, "Expected && or ||")]
    [InlineData("name=='x' & name=='y'", 11, "Expected && or ||")]
    [InlineData("name=='x' &&", 13, "Expected a field")]
    [InlineData("name=='x' || && name=='x'", 13, "Expected a field")]
    [InlineData("(name=='x'", 11, "Expected )")]
    [InlineData("name=='x')", 10, "Expected && or ||")]
    [InlineData("()", 2, "Expected a field")]
    [InlineData("cores=='many'", 1, "a number")]
    [InlineData("status=='x' && cores==true", 16, "a number")]
    [InlineData("cores==NaN", 1, "a number")]
    [InlineData("cores==1e999", 1, "a number")]
    [InlineData("cores>null", 1, "a number")]
    [InlineData("cores~1", 1, "contain")]
    [InlineData("name~null", 1, "contain")]
    [InlineData("template=='maybe'", 1, "true, false or null")]
    [InlineData("template>false", 1, "no order")]
    [InlineData("tags<'a'", 1, "no order")]
    [InlineData("last_seen>'yesterday'", 1, "a time")]
    [InlineData("last_seen>'10:30'", 1, "a time")] // it would be today's
    [InlineData("last_seen>12", 1, "a time")]
    public void Says_what_is_wrong_and_in_which_column(string filter, int column, string? what = null)
    {
        var (test, problem) = AgentFilter.Parse(filter);
        Assert.Null(test);
        Assert.EndsWith($"(column {column})", problem, StringComparison.Ordinal);
        Assert.Contains(what ?? string.Empty, problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Is_limited_in_length_and_depth()
    {
        Assert.NotNull(AgentFilter.Parse($"name=='{new string('x', AgentFilter.MaxLength - 8)}'").Test);
        Assert.EndsWith("(column 2001)", AgentFilter.Parse($"name=='{new string('x', AgentFilter.MaxLength - 7)}'").Problem, StringComparison.Ordinal);
        Assert.NotNull(AgentFilter.Parse($"{new string('(', 50)}name=='x'{new string(')', 50)}").Test);
        Assert.EndsWith("(column 51)", AgentFilter.Parse($"{new string('(', 51)}name=='x'{new string(')', 51)}").Problem, StringComparison.Ordinal);
        Assert.NotNull(AgentFilter.Parse($"{string.Join("||", Enumerable.Repeat("cores>1", 220))}").Test);
    }

    [Fact]
    public void Every_field_can_be_asked_for_in_every_row()
    {
        foreach (var field in AgentField.All)
        {
            Assert.All(Rows, row => Assert.True(field.Value.Read(row) is null or string or double or bool or DateTimeOffset or IReadOnlyList<string>, field.Key));
            var (present, problem) = AgentFilter.Parse($"{field.Key}!=null");
            Assert.Null(problem);
            Assert.All(Rows, row => Assert.Equal(field.Value.Read(row) is not null, present!(row)));
        }
    }

    [Fact]
    public void Whatever_is_typed_is_a_filter_or_is_refused()
    {
        var pieces = Gen.OneOf("name", "cores", "tags", "==", "=", "!=", "~", "!~", "<=", ">", "&&", "||", "(", ")", "'", "\"", "'x'", "\\", "\\u12", "\\u{110000}", "null", "true", "1", "-", ".", " ", "\0", "\uD800", "é", "&", "|", "!", "_");
        Gen.OneOf<string>(Gen.String, pieces.Array[0, 60].Select(string.Concat)).Sample(
            text =>
            {
                var (test, problem) = AgentFilter.Parse(text);
                Assert.True(test is null != problem is null);
                Assert.True(test is not null || problem!.EndsWith(')'));
                _ = test is not null && Rows.Any(test);
            },
            iter: 5000);
    }

    [Fact] // a parser that tries each way again at each level would not come back from these
    public void The_deepest_and_the_longest_filters_are_answered()
    {
        string[] worst =
        [
            new('(', 2000),
            string.Concat(Enumerable.Repeat("(cores>1||", 49)) + "cores>1",
            string.Concat(Enumerable.Repeat("(", 50)) + "cores>1",
            string.Concat(Enumerable.Repeat("cores>1&&", 222)),
            $"name=='{string.Concat(Enumerable.Repeat("\\'", 990))}'",
            new('\'', 2000),
        ];
        foreach (var text in worst)
        {
            var (test, problem) = AgentFilter.Parse(text);
            Assert.True(test is null != problem is null);
        }
    }

    [Fact]
    public void Well_formed_filters_mean_what_they_say() => Gen.Select(Expressions(3), Gen.Select(Gen.Int[0, 3].Nullable(), Gen.OneOf<string?>(null, "a", "b", "10", "9")).Array[1, 6]).Sample((expression, rows) =>
    {
        var (test, problem) = AgentFilter.Parse(expression.Text);
        Assert.True(test is not null, $"{expression.Text}: {problem}");
        foreach (var (cores, name) in rows)
        {
            var row = new GuestRow
            {
                Id = "id",
                OsType = "linux",
                ProxmoxRole = "guest",
                Status = "running",
                Name = "guest",
                ProxmoxVmid = "100",
                ProxmoxType = "lxc",
                Template = false,
                Cores = cores,
                Lock = name,
            };
            Assert.True(expression.Holds(cores, name) == test(row), $"{expression.Text} for {cores?.ToString(CultureInfo.InvariantCulture) ?? "null"}, {name ?? "null"}");
        }
    });

    private static Gen<Expression> Expressions(int depth)
    {
        var comparison = Gen.OneOf<Expression>(
            Gen.Select(Gen.OneOf("==", "=", "!=", "<", "<=", ">", ">="), Gen.Int[0, 3]).Select((sign, value) => new Expression(
                $"cores {sign} {value}", true, (cores, _) => sign is "!=" ? cores != value : cores is { } known && Holds(sign, known.CompareTo(value)))),
            Gen.Select(Gen.OneOf("==", "!="), Gen.Bool).Select((sign, ofCores) => new Expression(
                $"{(ofCores ? "cores" : "lock")}{sign}null", true, (cores, name) => (ofCores ? cores is null : name is null) == (sign is "=="))),
            Gen.Select(Gen.OneOf("==", "!=", "~", "!~"), Gen.OneOf("a", "1", "10"), Gen.OneOf('"', '\'')).Select((sign, value, quote) => new Expression(
                $"lock{sign}{quote}{value}{quote}", true, (_, name) => sign switch
                {
                    "==" => name == value,
                    "!=" => name != value,
                    "~" => name?.Contains(value, StringComparison.Ordinal) is true,
                    _ => name?.Contains(value, StringComparison.Ordinal) is not true,
                })));
        if (depth is 0)
        {
            return comparison;
        }

        var inner = Expressions(depth - 1);
        return Gen.OneOf<Expression>(
            comparison,
            Gen.Select(inner, inner, Gen.Bool, Gen.OneOf(string.Empty, " ", "\t ")).Select((left, right, and, gap) => new Expression(
                $"{Within(left, and)}{gap}{(and ? "&&" : "||")}{gap}{Within(right, and)}",
                and,
                (cores, name) => and ? left.Holds(cores, name) && right.Holds(cores, name) : left.Holds(cores, name) || right.Holds(cores, name))),
            inner.Select(one => one with { Text = $"( {one.Text})", BindsTighter = true }));

        static string Within(Expression part, bool and) => and && !part.BindsTighter ? $"({part.Text})" : part.Text;
        static bool Holds(string sign, int order) => sign switch { "<" => order < 0, "<=" => order <= 0, ">" => order > 0, ">=" => order >= 0, _ => order is 0 };
    }

    /// <summary>A filter and what it means.</summary>
    /// <param name="Text">As typed.</param>
    /// <param name="BindsTighter">Whether it can stand beside &amp;&amp; without parentheses.</param>
    /// <param name="Holds">Whether a row of these cores and this lock is selected.</param>
    private sealed record Expression(string Text, bool BindsTighter, Func<int?, string?, bool> Holds);
}
