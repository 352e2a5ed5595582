using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace NannyOrleans.Dashboard.Tests;

/// <summary>Whether somebody who does not see the page, or has no mouse, can use it: what axe-core finds of WCAG 2.2, levels A and AA.</summary>
internal static class Accessibility
{
    private static readonly AxeRunOptions Rules = new()
    {
        RunOnly = new() { Type = "tag", Values = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] },
    };

    /// <summary>Fails with each serious or critical violation: the rule, where, and what to do.</summary>
    public static async Task HasNoSeriousViolation(this IPage page)
    {
        var found = await page.RunAxe(Rules);
        Assert.NotEmpty(found.Passes); // or it has looked at nothing
        var serious = found.Violations.Where(one => one.Impact is "serious" or "critical").SelectMany(one => one.Nodes.Select(node =>
            $"{one.Impact} {one.Id}: {one.Help} ({one.HelpUrl})\n  {node.Target}\n  {node.Html}\n  {string.Join("\n  ", node.Any.Concat(node.All).Concat(node.None).Select(check => check.Message))}")).ToArray();
        Assert.True(serious.Length is 0, $"{page.Url} has {serious.Length}:\n{string.Join('\n', serious)}");
    }
}
