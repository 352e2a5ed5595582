using System.Globalization;

namespace NannyOrleans.Api.Dashboard.Pages.Campaigns;

/// <summary>
/// What a campaign is to do, as somebody fills it in: a text for each field of the API's request. What is as usual is not kept in an address and not sent;
/// what is wrong the API says.
/// </summary>
public sealed class OrderForm
{
    private readonly Dictionary<string, string> values = new(StringComparer.Ordinal);

    /// <summary>A field's text.</summary>
    /// <param name="field">Its name in the request, such as <c>limits.gate_seconds</c>.</param>
    public string this[string field]
    {
        get => values.GetValueOrDefault(field) ?? Usual(field);
        set
        {
            if (value == Usual(field))
            {
                values.Remove(field);
            }
            else
            {
                values[field] = value;
            }
        }
    }

    /// <summary>What an address says of it: <c>field:text</c>, each as often as there is one that is not as usual.</summary>
    public IReadOnlyList<string> Settings => [.. Fields.Where(one => values.ContainsKey(one.Name)).Select(one => $"{one.Name}:{values[one.Name]}")];

    /// <summary>Reads what an address says. A field that there is none of is passed over.</summary>
    public static OrderForm Read(IEnumerable<string?>? settings)
    {
        var form = new OrderForm();
        foreach (var setting in settings ?? [])
        {
            var at = setting?.IndexOf(':', StringComparison.Ordinal) ?? -1;
            if (at > 0 && Fields.Any(field => field.Name == setting![..at]))
            {
                form[setting![..at]] = setting[(at + 1)..];
            }
        }

        return form;
    }

    /// <summary>The request's body.</summary>
    public IReadOnlyDictionary<string, object?> Body()
    {
        var body = new Dictionary<string, object?>(StringComparer.Ordinal) { ["mode"] = this["mode"] };
        foreach (var field in Fields.Where(field => values.ContainsKey(field.Name)))
        {
            var value = Value(field, values[field.Name]);
            if (field.Name.Split('.') is [var outer, var inner])
            {
                if (!body.TryGetValue(outer, out var inside))
                {
                    body[outer] = inside = new Dictionary<string, object?>(StringComparer.Ordinal);
                }

                ((Dictionary<string, object?>)inside!)[inner] = value;
            }
            else
            {
                body[field.Name] = value;
            }
        }

        return body;
    }

    private static string Usual(string field) => Fields.FirstOrDefault(one => one.Name == field)?.Usual ?? string.Empty;

    // A number that is none is sent as it is: the API says what is wrong with it.
    private static object? Value(OrderField field, string text) => field.Kind switch
    {
        OrderFieldKind.Seconds => int.TryParse(text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var seconds) ? seconds : text.Trim().Length is 0 ? null : text,
        OrderFieldKind.Switch => text is "true",
        OrderFieldKind.Names => text.Split([',', ' ', '\n', '\r', '\t'], StringSplitOptions.RemoveEmptyEntries),
        _ => text.Trim().Length is 0 ? null : text.Trim(),
    };

    /// <summary>All fields, in the order in which they are asked for.</summary>
    public static IReadOnlyList<OrderField> Fields { get; } =
    [
        new("mode", "Mode", "dry-run", OrderFieldKind.Choice, "A dry run only lists what would be installed.") { Choices = [("dry-run", "dry run"), ("apply", "apply")] },
        new("reboot", "Reboot nodes", "if-needed", OrderFieldKind.Choice, "When something installed needs it, each, or none.") { Choices = [("if-needed", "if needed"), ("always", "always"), ("never", "never")] },
        new("approve_reboots", "Approval of reboots", "false", OrderFieldKind.Switch, "Whether a person approves each reboot.") { Choices = [("false", "not needed"), ("true", "a person approves each")] },
        new("without_quorum", "A node that the quorum needs", "stop", OrderFieldKind.Choice, "One without which the rest can never keep quorum, such as one of two without a quorum device.") { Choices = [("stop", "refuse the campaign"), ("patch-only", "patch it and do not reboot it")] },
        new("on_failure", "When a node fails", "stop", OrderFieldKind.Choice, "Halt and wait for a person, or put it back and go on with the next.") { Choices = [("stop", "halt"), ("skip-node", "leave it out")] },
        new("drain", "Running guests outside HA", "migrate", OrderFieldKind.Choice, "When their node reboots. What can't move is shut down and started again.") { Choices = [("migrate", "migrate"), ("shutdown", "shut down"), ("leave", "go down with the node")] },
        new("guests", "Guests patched first", "none", OrderFieldKind.Choice, "Before their node.") { Choices = [("none", "none"), ("tagged", "those with a tag"), ("all", "all that run")] },
        new("guest_tag", "Tag of those guests", "", OrderFieldKind.Text, "Goes with \"those with a tag\" alone."),
        new("nodes", "Nodes", "", OrderFieldKind.Names, "In the order they are walked, with commas between. Empty: all, in the order that disturbs least."),
        new("canary", "Canary", "", OrderFieldKind.Text, "A node that goes first and is watched before the next."),
        new("soak_seconds", "Watch the canary for", "3600", OrderFieldKind.Seconds, "Seconds, 0 to 604800."),
        new("exclusions", "Leave these packages as they are", "", OrderFieldKind.Names, "Names, or globs with *, with commas or spaces between."),
        new("window_end", "End of the window", "", OrderFieldKind.Text, "No node is begun after it. Empty: no end."),
        new("ceph_flags", "Ceph's noout flag", "true", OrderFieldKind.Switch, "Tells Ceph not to move data while a node reboots.") { Choices = [("true", "set while a node reboots"), ("false", "leave it alone")] },
        new("accept_repository_problems", "Nodes with repository problems", "false", OrderFieldKind.Switch, "Such as an enterprise repository without a subscription.") { Choices = [("false", "wait"), ("true", "patch them all the same")] },
        new("limits.gate_seconds", "Wait for conditions", "1800", OrderFieldKind.Seconds, "Seconds, then it halts.") { IsRare = true },
        new("limits.patch_seconds", "Patch of a node or its guests", "7200", OrderFieldKind.Seconds, "Seconds at most.") { IsRare = true },
        new("limits.drain_seconds", "Guests leaving or coming home", "1800", OrderFieldKind.Seconds, "Seconds at most.") { IsRare = true },
        new("limits.reboot_seconds", "A reboot", "1800", OrderFieldKind.Seconds, "Seconds at most.") { IsRare = true },
        new("limits.switch_seconds", "Switching maintenance mode or Ceph's flags", "300", OrderFieldKind.Seconds, "Seconds at most.") { IsRare = true },
        new("limits.settle_seconds", "Leave a node alone before the next", "60", OrderFieldKind.Seconds, "Seconds.") { IsRare = true },
    ];
}

/// <summary>A field of the form.</summary>
/// <param name="Name">As the API calls it, and so its errors.</param>
/// <param name="Label">As people call it.</param>
/// <param name="Usual">What holds when nothing is said.</param>
/// <param name="Kind">What goes in.</param>
/// <param name="Hint">For a person.</param>
public sealed record OrderField(string Name, string Label, string Usual, OrderFieldKind Kind, string Hint)
{
    /// <summary>What can be chosen; null for what is typed.</summary>
    public IReadOnlyList<(string Value, string Text)>? Choices { get; init; }

    /// <summary>Whether few need it.</summary>
    public bool IsRare { get; init; }
}

/// <summary>What goes into a field.</summary>
public enum OrderFieldKind
{
    /// <summary>One of some words.</summary>
    Choice,

    /// <summary>Yes or no.</summary>
    Switch,

    /// <summary>A text.</summary>
    Text,

    /// <summary>Names with commas or spaces between.</summary>
    Names,

    /// <summary>A number of seconds.</summary>
    Seconds,
}
