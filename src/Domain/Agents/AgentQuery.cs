namespace NannyOrleans.Domain.Agents;

/// <summary>Which rows are wanted and in what order. It has been checked: its filter and its sorting parse.</summary>
/// <param name="Filter">An <see cref="AgentFilter"/>; null for all rows.</param>
/// <param name="Sort">An <see cref="AgentOrder"/>; null for cluster by cluster as they were registered, each in the order of its topology.</param>
/// <param name="Take">How many rows at most from the beginning; null for all.</param>
/// <param name="Deleted">Whether guests that were deleted lately are listed too.</param>
public sealed record AgentQuery(string? Filter, string? Sort, int? Take, bool Deleted)
{
    /// <summary>What of these rows is wanted.</summary>
    public AgentPage Of(IEnumerable<AgentRow> rows)
    {
        var test = Filter is null ? null : AgentFilter.Parse(Filter).Test ?? throw new FormatException("The filter was not checked.");
        AgentRow[] found = [.. rows.Where(row => (Deleted || row is not GuestRow { DeletedAt: not null }) && (test is null || test(row)))];
        return new(found.Length, First(Order(found)));
    }

    /// <summary>Several answers to this query as one.</summary>
    public AgentPage Merge(IReadOnlyList<AgentPage> pages) => new(pages.Sum(page => page.Total), First(Order([.. pages.SelectMany(page => page.Rows)])));

    private IEnumerable<AgentRow> Order(AgentRow[] rows)
    {
        if (Sort is not null)
        {
            // Equal rows stay in their order, so that pages of one list neither overlap nor leave gaps.
            return rows.Order(AgentOrder.Parse(Sort).Order ?? throw new FormatException("The order was not checked."));
        }

        return rows;
    }

    private AgentRow[] First(IEnumerable<AgentRow> rows) => [.. Take is { } count ? rows.Take(count) : rows];
}

/// <summary>An answer to a query.</summary>
/// <param name="Total">How many rows there are in all.</param>
/// <param name="Rows">The first of them.</param>
public sealed record AgentPage(int Total, IReadOnlyList<AgentRow> Rows);

/// <summary>An order of rows: fields separated by commas, each the other way round with a minus before it.</summary>
public static class AgentOrder
{
    /// <summary>The most fields in one order.</summary>
    public const int MaxFields = 8;

    /// <summary>The order a text means, or what is wrong with it. What is not known comes last either way; ties go by id.</summary>
    public static (IComparer<AgentRow>? Order, string? Problem) Parse(string text)
    {
        var fields = new List<(AgentField Field, bool Down)>();
        foreach (var part in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var name = part is ['-' or '+', ..] ? part[1..] : part;
            if (!AgentField.All.TryGetValue(name, out var field))
            {
                return (null, $"Unknown field '{name}'; known are {string.Join(", ", AgentField.All.Keys)}.");
            }

            fields.Add((field, part.StartsWith('-')));
        }

        return fields.Count > MaxFields
            ? (null, $"It may have {MaxFields} fields at most.")
            : (Comparer<AgentRow>.Create((one, other) => Compare(fields, one, other)), null);
    }

    private static int Compare(List<(AgentField Field, bool Down)> fields, AgentRow one, AgentRow other)
    {
        foreach (var (field, down) in fields)
        {
            var (a, b) = (field.Read(one), field.Read(other));
            if (a is null || b is null)
            {
                if (a is null != b is null)
                {
                    return a is null ? 1 : -1;
                }

                continue;
            }

            if (AgentField.Compare(a, b) is not 0 and var order)
            {
                return down ? -order : order;
            }
        }

        return string.CompareOrdinal(one.Id, other.Id);
    }
}
