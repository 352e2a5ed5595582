using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Microsoft.Playwright;
using NannyOrleans.Browsing;
using NannyOrleans.Dashboard.Tests;

[assembly: AssemblyFixture(typeof(Installation))]

namespace NannyOrleans.Dashboard.Tests;

/// <summary>
/// One server, a lab of three hosts with six real containers and a machine outside it, their agents, some people, and a browser. Tests share it: one
/// that changes a guest has it for itself, and none relies on how many operations or agents there are.
/// </summary>
public sealed class Installation : IAsyncLifetime
{
    private readonly DataDirectory directory = new();
    private readonly Cluster cluster = new();
    private readonly ConcurrentDictionary<Person, Cookie[]> signedIn = [];
    private RunningProgram? machine;
    private Chromium? chromium;

    internal Server Server => cluster.Server;

    internal LabCluster Lab => cluster.Lab;

    /// <summary>The id of the lab's cluster.</summary>
    internal string ClusterId { get; private set; } = string.Empty;

    public async ValueTask InitializeAsync()
    {
        if (Missing() is not null)
        {
            return;
        }

        Microsoft.Playwright.Assertions.SetDefaultExpectTimeout((float)Waiting.Limit.TotalMilliseconds);
        var browser = Chromium.Start(); // beside the lab
        await cluster.InitializeAsync();
        chromium = await browser;
        var root = await OutsideMachine.Make(directory.PathOf("machine"), "db-01", Server);
        await LabCluster.RegisterMachine(root, Server);
        machine = LabCluster.MachineAgent(root, "run");
        ClusterId = (string)(await Server.Get("/api/clusters")).AsArray().Single()!["id"]!;
        foreach (var person in Person.Others)
        {
            var (status, body) = await Server.Send(HttpMethod.Post, "/api/people", person.Account(ClusterId));
            Assert.True(status is 201, $"{status}: {body}");
        }
    }

    /// <summary>
    /// Does something in a new browser, and then looks whether anything went wrong behind the page: errors, blocked or failed requests, requests of
    /// other servers. What it saw is kept in <c>artifacts/tests/browser</c> if it fails.
    /// </summary>
    internal async Task Browse(Look look, Func<Tab, Task> work)
    {
        Need();
        await using var tab = await Open(look);
        try
        {
            await work(tab);
            Assert.Empty(tab.Complaints);
        }
        catch (Exception failure)
        {
            await tab.KeepEvidence(Evidence, NameOfTest(), $"{failure}");
            throw;
        }
    }

    /// <summary>The same as somebody who has signed in.</summary>
    internal Task Browse(Look look, Person person, Func<Tab, Task> work) => Browse(look, async tab =>
    {
        await SignIn(tab, person);
        await work(tab);
    });

    /// <summary>Signs somebody in: the first time by the password, which takes long on purpose, and then by the same sign-in's cookie.</summary>
    internal async Task SignIn(Tab tab, Person person)
    {
        var context = tab.Page.Context;
        if (signedIn.TryGetValue(person, out var cookies))
        {
            await context.AddCookiesAsync(cookies);
            return;
        }

        await Chromium.SignIn(context, new(Server.Url), person.Name, Person.Password);
        signedIn[person] = [.. (await context.CookiesAsync()).Select(cookie => new Cookie
        {
            Name = cookie.Name,
            Value = cookie.Value,
            Domain = cookie.Domain,
            Path = cookie.Path,
            HttpOnly = cookie.HttpOnly,
            Secure = cookie.Secure,
            SameSite = cookie.SameSite,
        })];
    }

    /// <summary>A tab that nobody looks after.</summary>
    internal Task<Tab> Open(Look look, Uri? server = null) => Tab.Open(chromium!.Browser, server ?? new(Server.Url), look, (float)Waiting.Limit.TotalMilliseconds);

    /// <summary>The code of an agent that asks to be let in, by the name it gives itself; nothing comes for the answer.</summary>
    internal async Task<string> AskForCode(string hostname)
    {
        using var ask = new FormUrlEncodedContent(
            [new("client_id", "nannyagent"), new("scope", "agent offline_access"), new("cluster", "c0123456789abcdef"), new("node", "pve9"), new("hostname", hostname), new("cluster_name", "attic")]);
        var answer = await Server.Client.PostAsync("/connect/device", ask);
        var body = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, body);
        return (string)JsonNode.Parse(body)!["user_code"]!;
    }

    /// <summary>Skips the test where there can be no real containers, or no browser. In CI that is a failure.</summary>
    internal static void Need()
    {
        Cluster.NeedContainers();
        if (Missing() is { } missing)
        {
            Assert.False(Environment.GetEnvironmentVariable("CI") is { Length: > 0 }, $"In CI this must run: {missing}");
            Assert.Skip(missing);
        }
    }

    /// <summary>Where it is kept what tests that failed have seen.</summary>
    internal static string Evidence => Path.Combine(Repository, "artifacts/tests/browser");

    public async ValueTask DisposeAsync()
    {
        if (chromium is not null)
        {
            await chromium.DisposeAsync();
        }

        if (machine is not null)
        {
            await machine.DisposeAsync();
        }

        await cluster.DisposeAsync();
        directory.Dispose();
    }

    private static string Repository => AppContext.BaseDirectory[..AppContext.BaseDirectory.LastIndexOf("/tests/", StringComparison.Ordinal)];

    private static string? Missing() => Cluster.Missing() ?? (File.Exists(Chromium.Path) ? null : "A browser needs the Debian package chromium.");

    /// <summary>The test that runs, as a file's name.</summary>
    internal static string NameOfTest() =>
        string.Concat(TestContext.Current.Test!.TestDisplayName.Replace("NannyOrleans.Dashboard.Tests.", "", StringComparison.Ordinal).Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' ? c : '-'));
}
