using Microsoft.Playwright;
using NannyOrleans.Browsing;
using static Microsoft.Playwright.Assertions;

namespace NannyOrleans.Dashboard.Tests;

/// <summary>Names and output are whatever somebody with root in a container wants them to be.</summary>
public sealed class HostileTests(Installation installation)
{
    private const string Script = "<script>document.title='mine'</script><img src=x onerror=document.title='mine'>";

    [Fact]
    public Task A_guests_name_is_text_and_turns_nothing_round() => installation.Browse(Look.Light, Person.Administrator, async tab =>
    {
        const string name = "a\u202Egpj.exe\u0007<script>document.title='mine'</script>";
        var file = Path.Combine(installation.Lab.RootOf("pve3"), "etc/pve/lxc/104.conf");
        var before = await File.ReadAllLinesAsync(file);
        await File.WriteAllLinesAsync(file, before.Select(line => line.StartsWith("hostname:", StringComparison.Ordinal) ? $"hostname: {name}" : line));
        try
        {
            await installation.Server.Send(HttpMethod.Post, "/api/agents/pve3/discover");
            await tab.Visit("/guests/lxc-104");
            await Expect(tab.Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToContainTextAsync("a?gpj.exe");
            foreach (var path in new[] { "/guests/lxc-104", "/topology", "/topology?view=graph", "/guests", $"/clusters/{installation.ClusterId}", "/search?q=gpj" })
            {
                await tab.Visit(path);
                await Expect(tab.Page.GetByText("a?gpj.exe").First).ToBeVisibleAsync();
                Assert.DoesNotContain('\u202E', await tab.Page.ContentAsync());
                Assert.NotEqual("mine", await tab.Page.TitleAsync());
            }
        }
        finally
        {
            await File.WriteAllLinesAsync(file, before);
            await installation.Server.Send(HttpMethod.Post, "/api/agents/pve3/discover");
        }
    });

    [Fact]
    public Task Output_with_tags_turned_letters_and_a_line_of_a_megabyte_does_no_harm() => installation.Browse(Look.Phone, Person.Administrator, async tab =>
    {
        const int vmid = 105;
        await installation.Lab.Inside(vmid, "sh", "-c", $$"""
            { printf '%s\n' "$1"; printf 'turned \342\200\256 round \033[31m\n'; head -c 1000000 /dev/zero | tr '\0' x; echo; echo last; } >/root/hostile
            echo 'APT::Update::Pre-Invoke { "cat /root/hostile"; };' >/etc/apt/apt.conf.d/99hostile
            """, "sh", Script);
        try
        {
            var operation = await installation.Server.PatchToEnd($"lxc-{vmid}", "dry-run");
            await tab.Visit($"/operations/{operation["operation_id"]}");
            var log = tab.Page.GetByRole(AriaRole.Log);
            await Expect(log).ToContainTextAsync("last");
            await Expect(log).ToContainTextAsync("turned ? round ?[31m");
            await Expect(log).ToContainTextAsync("more characters"); // of the long line
            await Expect(log).ToContainTextAsync(Script);
            Assert.NotEqual("mine", await tab.Page.TitleAsync());
            Assert.False(await tab.IsTooWide(), "It is wider than the phone.");
            await tab.Page.HasNoSeriousViolation();
        }
        finally
        {
            await installation.Lab.Inside(vmid, "rm", "/etc/apt/apt.conf.d/99hostile");
        }
    });
}
