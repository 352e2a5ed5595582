using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace NannyOrleans.Agent.Configuration;

/// <summary>The agent's configuration file.</summary>
/// <param name="ApiUrls"><c>api_url</c>: the server, http or https; or several of one installation, as a list or parted by commas or spaces.</param>
/// <param name="ProxmoxMode"><c>proxmox_mode</c>; null when absent: look whether this is a Proxmox VE host.</param>
/// <param name="GuestDiscoveryInterval"><c>guest_discovery_interval</c>, seconds: 10 to 86400, 300 when absent.</param>
/// <param name="MetricsInterval"><c>metrics_interval</c>, seconds: 5 to 3600, 30 when absent.</param>
internal sealed record AgentConfig(IReadOnlyList<Uri> ApiUrls, bool? ProxmoxMode, TimeSpan GuestDiscoveryInterval, TimeSpan MetricsInterval)
{
    /// <summary><c>container_probe</c>: <c>lxc-attach</c>, also when absent, or <c>pct</c>.</summary>
    public ContainerProbe ContainerProbe { get; init; }

    /// <summary><c>custom_scripts</c>: whether scripts that the server's administrators added may run here; false when absent.</summary>
    public bool CustomScripts { get; init; }

    /// <summary>Where it is unless said otherwise.</summary>
    public const string DefaultPath = "/etc/nannyagent/config.yml";

    /// <summary>Reads the file.</summary>
    /// <exception cref="ConfigException">It is missing, or something in it is wrong; the message names every place.</exception>
    public static AgentConfig Load(string path)
    {
        try
        {
            return Parse(path, File.ReadAllText(path));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ConfigException([$"{path}: there is no such file; it needs at least one line: api_url: https://your-server"]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigException([$"{path}: {e.Message}"]);
        }
    }

    /// <summary>Reads a configuration's text; <paramref name="path"/> is for the messages.</summary>
    /// <exception cref="ConfigException">Something is wrong; the message names every place as <c>file:line:column: key: what</c>.</exception>
    public static AgentConfig Parse(string path, string text)
    {
        var problems = new List<string>();
        IReadOnlyList<Uri> apiUrls = [];
        bool? proxmoxMode = null, customScripts = null;
        var probe = ContainerProbe.LxcAttach;
        TimeSpan discovery = TimeSpan.FromSeconds(300), metrics = TimeSpan.FromSeconds(30);
        foreach (var (key, value, at) in Entries(path, text, problems))
        {
            var error = key switch
            {
                "api_url" => ServerUrl.ParseAll(value, out apiUrls),
                "proxmox_mode" => Boolean(value, out proxmoxMode),
                "guest_discovery_interval" => Seconds(value, 10, 86400, ref discovery),
                "metrics_interval" => Seconds(value, 5, 3600, ref metrics),
                "container_probe" => Probe(value, out probe),
                "custom_scripts" => Boolean(value, out customScripts),
                _ => "there is no such key; known are api_url, proxmox_mode, guest_discovery_interval, metrics_interval, container_probe, custom_scripts",
            };
            if (error is not null)
            {
                problems.Add($"{path}:{at}: {PlainText.Of(key, 80)}: {error}");
            }
        }

        if (apiUrls.Count is 0 && problems.Count is 0)
        {
            problems.Add($"{path}:1:1: api_url: is required, such as https://nanny.example.com");
        }

        return problems.Count is 0 ? new(apiUrls, proxmoxMode, discovery, metrics) { ContainerProbe = probe, CustomScripts = customScripts ?? false } : throw new ConfigException(problems);
    }

    // YamlDotNet's event stream, not its deserializer: that one needs reflection, and its errors do not name a key's place.
    private static List<(string Key, string Value, string At)> Entries(string path, string text, List<string> problems)
    {
        var entries = new List<(string, string, string)>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            var parser = new Parser(new StringReader(text));
            parser.Consume<StreamStart>();
            if (parser.TryConsume<StreamEnd>(out _))
            {
                return entries;
            }

            parser.Consume<DocumentStart>();
            if (!parser.TryConsume<MappingStart>(out _))
            {
                problems.Add($"{path}:{Place(parser.Current!.Start)}: expected lines of the form key: value");
                return entries;
            }

            while (!parser.TryConsume<MappingEnd>(out _))
            {
                if (!parser.TryConsume<Scalar>(out var key))
                {
                    problems.Add($"{path}:{Place(parser.Current!.Start)}: expected a key");
                    parser.SkipThisAndNestedEvents();
                    parser.SkipThisAndNestedEvents();
                    continue;
                }

                var fresh = seen.Add(key.Value);
                if (!fresh)
                {
                    problems.Add($"{path}:{Place(key.Start)}: {PlainText.Of(key.Value, 80)}: is there twice");
                }

                if (key.Value is "api_url" && parser.TryConsume<SequenceStart>(out var list))
                {
                    if (Items(parser) is not { } items)
                    {
                        problems.Add($"{path}:{Place(list.Start)}: api_url: must be a list of URLs");
                    }
                    else if (fresh)
                    {
                        entries.Add((key.Value, items, Place(list.Start)));
                    }
                }
                else if (!parser.TryConsume<Scalar>(out var value))
                {
                    problems.Add($"{path}:{Place(parser.Current!.Start)}: {PlainText.Of(key.Value, 80)}: must be a single value");
                    parser.SkipThisAndNestedEvents();
                }
                else if (fresh)
                {
                    entries.Add((key.Value, value.Value, Place(value.Value.Length is 0 ? key.Start : value.Start)));
                }
            }

            parser.Consume<DocumentEnd>();
            if (!parser.TryConsume<StreamEnd>(out _))
            {
                problems.Add($"{path}:{Place(parser.Current!.Start)}: only one document is read; remove the line ---");
            }
        }
        catch (YamlException e)
        {
            problems.Add($"{path}:{Place(e.End)}: {PlainText.Of(e.Message)}");
        }

        return entries;
    }

    /// <summary>A list's items in one text; null when one of them is no single value.</summary>
    private static string? Items(Parser parser)
    {
        var (items, wrong) = (new List<string>(), false);
        while (!parser.TryConsume<SequenceEnd>(out _))
        {
            if (parser.TryConsume<Scalar>(out var item))
            {
                items.Add(item.Value);
            }
            else
            {
                wrong = true;
                parser.SkipThisAndNestedEvents();
            }
        }

        return wrong ? null : string.Join(' ', items);
    }

    private static string Place(Mark mark) => string.Create(CultureInfo.InvariantCulture, $"{mark.Line}:{mark.Column}");

    private static string? Boolean(string text, out bool? value)
    {
        value = text switch { "true" => true, "false" => false, _ => null };
        return value is null ? $"'{PlainText.Of(text, 80)}' is neither true nor false" : null;
    }

    private static string? Probe(string text, out ContainerProbe probe)
    {
        probe = text is "pct" ? ContainerProbe.Pct : ContainerProbe.LxcAttach;
        return text is "pct" or "lxc-attach" ? null : $"'{PlainText.Of(text, 80)}' is neither lxc-attach nor pct";
    }

    private static string? Seconds(string text, int least, int most, ref TimeSpan value)
    {
        if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) || seconds < least || seconds > most)
        {
            return string.Create(CultureInfo.InvariantCulture, $"'{PlainText.Of(text, 80)}' is not a whole number of seconds from {least} to {most}");
        }

        value = TimeSpan.FromSeconds(seconds);
        return null;
    }
}

/// <summary>The configuration cannot be used. The message has a line for each thing that is wrong.</summary>
internal sealed class ConfigException(IReadOnlyList<string> problems) : Exception(string.Join('\n', problems));
