using System.Text;
using System.Text.RegularExpressions;

namespace NannyOrleans.Dashboard.Tests;

/// <summary>A machine outside Proxmox VE: files below a root, as a lab's host is.</summary>
internal static partial class OutsideMachine
{
    public static async Task<string> Make(string root, string name, Server server)
    {
        foreach (var (file, text) in new Dictionary<string, string>
        {
            ["etc/hostname"] = $"{name}\n",
            ["etc/machine-id"] = $"{Guid.NewGuid():N}\n",
            ["etc/os-release"] = "ID=rocky\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=9.4\nPRETTY_NAME=\"Rocky Linux 9.4\"\n",
            ["etc/nannyagent/config.yml"] = $"api_url: {server.Url}\nmetrics_interval: 5\nguest_discovery_interval: 10\n",
        })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(root, file))!);
            await File.WriteAllTextAsync(Path.Combine(root, file), text, Encoding.ASCII);
        }

        return root;
    }

    /// <summary>The code that an agent shows while it registers.</summary>
    public static async Task<string> CodeOf(RunningProgram register) => Code().Match(await register.Line("  code:")).Value;

    [GeneratedRegex("[A-Z]{4}-[A-Z]{4}")]
    private static partial Regex Code();
}
