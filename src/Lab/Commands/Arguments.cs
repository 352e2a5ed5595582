using System.Globalization;

namespace NannyOrleans.Lab.Commands;

/// <summary>One option of a command, with what its value must be.</summary>
/// <param name="Name">Without dashes.</param>
/// <param name="Check">A value in, the reason against it out; null for a good one.</param>
/// <param name="IsBoolean">May stand without a value.</param>
internal sealed record CommandOption(string Name, Func<string, string?> Check, bool IsBoolean = false)
{
    public static CommandOption Boolean(string name) => new(
        name, v => BooleanOf(v) is null ? $"type check ('boolean') failed - got '{v}'" : null, IsBoolean: true);

    public static CommandOption Integer(string name, int least) => new(name, v =>
        !int.TryParse(v, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var n) ? $"type check ('integer') failed - got '{v}'"
        : n < least ? $"value must have a minimum value of {least}" : null);

    public static CommandOption Text(string name) => new(name, _ => null);

    public static bool? BooleanOf(string value) => value.ToUpperInvariant() switch
    {
        "" or "1" or "ON" or "YES" or "TRUE" => true,
        "0" or "OFF" or "NO" or "FALSE" => false,
        _ => null,
    };
}

/// <summary>One sub-command as Proxmox VE's CLI layer knows it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="TakesVmid">Whether the first plain argument is a vmid.</param>
/// <param name="TakesRest">Whether more plain arguments follow.</param>
/// <param name="Options">Its options.</param>
/// <param name="Usage">The short usage line, with its trailing blank where the real one has it.</param>
internal sealed record CommandSpec(string Name, bool TakesVmid, bool TakesRest, IReadOnlyList<CommandOption> Options, string Usage);

/// <summary>Parsed arguments, or the answer that says what is wrong with them.</summary>
/// <param name="Vmid">0 for a command that takes none.</param>
/// <param name="Rest">Where the further plain words stand among those given.</param>
/// <param name="Options">Values by full name; an empty one for a boolean without value.</param>
/// <param name="Wrong">Set when the command must not run.</param>
internal sealed record Arguments(int Vmid, IReadOnlyList<int> Rest, IReadOnlyDictionary<string, string> Options, Answer? Wrong)
{
    /// <summary>Parses as Getopt::Long does there: options anywhere before <c>--</c>, one dash as good as two, unique beginnings.</summary>
    public static Arguments Parse(CommandSpec command, IReadOnlyList<string> given)
    {
        var plain = new List<int>();
        var options = new Dictionary<string, string>();
        var complaints = "";
        for (var i = 0; i < given.Count; i++)
        {
            var word = given[i];
            if (word is "--")
            {
                plain.AddRange(Enumerable.Range(i + 1, given.Count - i - 1));
                break;
            }

            if (word.Length < 2 || word[0] is not '-')
            {
                plain.Add(i);
                continue;
            }

            var text = word.TrimStart('-');
            var equals = text.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? text : text[..equals];
            var option = command.Options.FirstOrDefault(o => o.Name == name)
                ?? (command.Options.Where(o => o.Name.StartsWith(name, StringComparison.Ordinal)).Take(2).ToList() is [var only] ? only : null);
            if (option is null) { complaints += $"Unknown option: {name}\n"; }
            else if (equals >= 0) { options[option.Name] = text[(equals + 1)..]; }
            else if (i + 1 < given.Count && (!option.IsBoolean || !given[i + 1].StartsWith('-'))) { options[option.Name] = given[++i]; }
            else if (option.IsBoolean) { options[option.Name] = ""; }
            else { complaints += $"Option {name} requires an argument\n"; }
        }

        if (complaints.Length > 0) { return Bad(255, $"{complaints}400 unable to parse option\n{command.Usage}\n"); }
        if (command.TakesVmid && plain.Count is 0) { return Bad(255, $"400 not enough arguments\n{command.Usage}\n"); }
        if (!command.TakesRest && plain.Count > (command.TakesVmid ? 1 : 0)) { return Bad(255, $"400 too many arguments\n{command.Usage}\n"); }

        var vmid = 0;
        var wrong = command.TakesVmid ? CheckVmid(given[plain[0]], out vmid) : "";
        foreach (var option in command.Options)
        {
            if (options.TryGetValue(option.Name, out var value) && option.Check(value) is { } reason) { wrong += $"{option.Name}: {reason}\n"; }
        }

        return wrong.Length > 0
            ? Bad(255, $"400 Parameter verification failed.\n{wrong}{command.Usage}\n")
            : new(vmid, command.TakesVmid ? plain[1..] : plain, options, null);
    }

    public bool Is(string option, bool unlessGiven = false) =>
        Options.TryGetValue(option, out var value) ? CommandOption.BooleanOf(value)!.Value : unlessGiven;

    private static string CheckVmid(string word, out int vmid)
    {
        if (!int.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out vmid))
        {
            return $"vmid: type check ('integer') failed - got '{word}'\n";
        }

        // This reason ends with a newline of its own on a real host, so a blank line follows.
        return vmid is < 100 or > 999999999 || word[0] is '0' ? "vmid: invalid format - value does not look like a valid VM ID\n\n" : "";
    }

    private static Arguments Bad(int code, string message) => new(0, [], new Dictionary<string, string>(), new Answer.Ends(code, "", message));
}
