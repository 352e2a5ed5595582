using System.Text.RegularExpressions;

namespace NannyOrleans.Lab.Tests;

/// <summary>The lab against what Proxmox VE's own tools print in the same situation, byte for byte.</summary>
public sealed partial class ConformanceTests
{
    private static readonly string Fixtures = $"{AppContext.BaseDirectory}/Fixtures";

    public static TheoryData<string> Situations => [.. Directory.GetDirectories(Fixtures).Select(d => Path.GetFileName(d)!).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Situations))]
    public async Task Prints_what_Proxmox_VE_prints(string situation)
    {
        LabUnderTest.NeedsContainers();
        await using var lab = await LabUnderTest.Up("--plan", $"{Fixtures}/{situation}/plan");
        Place($"{Fixtures}/{situation}/etc-pve", lab);
        var wanted = "";
        var got = "";
        foreach (var step in TranscriptStep.Parse(await File.ReadAllTextAsync($"{Fixtures}/{situation}/transcript.txt")))
        {
            if (step.Code is not { } code)
            {
                await lab.Must("pve1", Locate(step.Command, lab));
                continue;
            }

            var result = await lab.Run("pve1", Locate(step.Command, lab));
            wanted += TranscriptStep.Show(step.Command, code, Normal(step.Out, step), Normal(step.Err, step));
            got += TranscriptStep.Show(step.Command, result.ExitCode, Normal(result.StandardOutput.Replace(lab.Root("pve1"), "", StringComparison.Ordinal), step), Normal(result.StandardError.Replace(lab.Root("pve1"), "", StringComparison.Ordinal), step));
        }

        Assert.Equal(wanted, got, ignoreLineEndingDifferences: false);
    }

    /// <summary>The guests' files as they were when the output was taken, on every host as a write to the cluster puts them.</summary>
    private static void Place(string files, LabUnderTest lab)
    {
        foreach (var file in Directory.EnumerateFiles(files, "*", SearchOption.AllDirectories))
        {
            foreach (var host in Directory.EnumerateDirectories($"{lab.Directory}/hosts"))
            {
                File.Copy(file, $"{host}/etc/pve/{Path.GetRelativePath(files, file)}", overwrite: true);
            }
        }
    }

    /// <summary>A host's root is a directory here.</summary>
    private static string Locate(string command, LabUnderTest lab) => command
        .Replace("/etc/pve", $"{lab.Root("pve1")}/etc/pve", StringComparison.Ordinal)
        .Replace("nanny-lab ", $"nanny-lab --dir {lab.Directory} ", StringComparison.Ordinal);

    /// <summary>Takes out what cannot be equal, on both sides alike.</summary>
    private static string Normal(string text, TranscriptStep step)
    {
        if ((text.StartsWith('{') || text.StartsWith('[')) && IsJson(step.Command))
        {
            // A file of Perl's has no order of keys. What pvesh prints is in order, without a blank, with a newline.
            if (step.Command.StartsWith("pvesh", StringComparison.Ordinal)) { Assert.Equal(Commands.PerlJson.Line(System.Text.Json.Nodes.JsonNode.Parse(text)), text); }
            return Comparable.Json(text);
        }

        text = Comparable.Text(text);
        // A pid.
        text = TemporaryFile().Replace(text, ".conf.tmp.PID");
        // Function and line of LXC's own source, which differ between its versions.
        text = LxcSource().Replace(text, "attach.c: FUNCTION: LINE");
        // Place of a row in a list that Perl keeps in the order of its hash.
        text = RowNumber().Replace(text, "[ROW].");
        if (step.Command.Contains("/.members", StringComparison.Ordinal) || step.Command.Contains("/.vmlist", StringComparison.Ordinal))
        {
            // Counters of all changes since the cluster was made; rows of .vmlist lie in hash order, the last one without a comma.
            text = Counter().Replace(text, "\"version\": N");
            text = string.Concat(text.Split('\n')[..^1].Select(l => l.Replace("}}", "}", StringComparison.Ordinal).TrimEnd(',')).Order(StringComparer.Ordinal).Select(l => l + "\n"));
        }

        if (step.Command.TrimEnd('\'').EndsWith("-- env", StringComparison.Ordinal))
        {
            // The order of variables is the shell's; how many shells there were above is the caller's.
            text = string.Concat(text.Split('\n')[..^1].Where(l => !l.StartsWith("SHLVL=", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Select(l => l + "\n"));
        }

        return text;
    }

    private static bool IsJson(string command) => command.EndsWith("--output-format json", StringComparison.Ordinal)
        || command.StartsWith("cat /etc/pve/ha/", StringComparison.Ordinal) || command.EndsWith("/lrm_status", StringComparison.Ordinal);

    [GeneratedRegex(@"\.conf\.tmp\.\d+")]
    private static partial Regex TemporaryFile();

    [GeneratedRegex(@"attach\.c: \w+: \d+")]
    private static partial Regex LxcSource();

    [GeneratedRegex(@"^\[\d+\]\.", RegexOptions.Multiline)]
    private static partial Regex RowNumber();

    [GeneratedRegex(@"^""version"": \d+|(?<=""lxc"", |""qemu"", )""version"": \d+", RegexOptions.Multiline)]
    private static partial Regex Counter();
}
