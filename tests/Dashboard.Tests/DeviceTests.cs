using Microsoft.Playwright;
using NannyOrleans.Browsing;

namespace NannyOrleans.Dashboard.Tests;

/// <summary>Letting an agent in, as the person does who has just started <c>nannyagent register</c> on a machine and has a phone at hand.</summary>
public sealed class DeviceTests(Installation installation)
{
    [Fact]
    public Task A_machine_is_approved_by_its_code_at_the_width_of_a_phone() => installation.Browse(Look.NarrowPhone, async tab =>
    {
        using var directory = new DataDirectory();
        var root = await OutsideMachine.Make(directory.PathOf("machine"), "phone-01", installation.Server);
        await using var register = LabCluster.MachineAgent(root, "register", "--api-url", installation.Server.Url);
        var code = await OutsideMachine.CodeOf(register);

        await tab.VisitStill($"/device?user_code={code}");
        await Assertions.Expect(tab.Page.GetByRole(AriaRole.Definition).First).ToHaveTextAsync("phone-01");
        await Assertions.Expect(tab.Page.Locator("p.code")).ToHaveTextAsync(code); // to be compared with the machine's
        await tab.Page.HasNoSeriousViolation();
        Assert.False(await tab.IsTooWide(), "It is wider than the phone.");

        await Answer(tab.Page, Person.Administrator.Name, Person.Password, "Approve");
        await Assertions.Expect(tab.Page.GetByText("Done.")).ToBeVisibleAsync();
        await tab.Page.HasNoSeriousViolation();
        Assert.True(await register.Exit() is 0, register.Log);
        Assert.Contains((await installation.Server.Get("/api/agents")).AsArray(), row => (string?)row!["hostname"] is "phone-01");
    });

    [Fact]
    public Task A_code_can_be_typed() => installation.Browse(Look.NarrowPhone, async tab =>
    {
        await tab.VisitStill("/device");
        await tab.Page.GetByLabel("Code", new() { Exact = true }).FillAsync((await installation.AskForCode("typed.lan")).ToLowerInvariant());
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Go on" }).ClickAsync();
        await Assertions.Expect(tab.Page.GetByRole(AriaRole.Definition).First).ToHaveTextAsync("typed.lan");
        await Answer(tab.Page, Person.Administrator.Name, Person.Password, "Deny");
        await Assertions.Expect(tab.Page.GetByText("Done.")).ToBeVisibleAsync();
    });

    [Fact]
    public Task A_wrong_password_lets_nobody_in_and_says_so() => installation.Browse(Look.Light, async tab =>
    {
        tab.Expects("403: POST");
        await tab.VisitStill($"/device?user_code={await installation.AskForCode("wrong.lan")}");
        await Answer(tab.Page, Person.Administrator.Name, "not the password", "Approve");
        await Assertions.Expect(tab.Page.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        await Assertions.Expect(tab.Page.GetByRole(AriaRole.Definition).First).ToHaveTextAsync("wrong.lan"); // and one can try again
        await tab.Page.HasNoSeriousViolation();
    });

    [Fact]
    public Task Only_an_administrator_lets_a_host_in() => installation.Browse(Look.Light, async tab =>
    {
        tab.Expects("403: POST");
        await tab.VisitStill($"/device?user_code={await installation.AskForCode("root.lan")}");
        await Answer(tab.Page, Person.Operator.Name, Person.Password, "Approve");
        await Assertions.Expect(tab.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("Only an administrator");
    });

    [Fact]
    public Task A_code_that_nobody_was_given_is_not_known() => installation.Browse(Look.Light, async tab =>
    {
        tab.Expects("400: GET");
        await tab.VisitStill("/device?user_code=AAAA-AAAA");
        await Assertions.Expect(tab.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("not known");
        await tab.Page.HasNoSeriousViolation();
    });

    [Theory]
    [InlineData("<script>document.title = 'mine'</script>")]
    [InlineData("\"><img src=x onerror=\"document.title = 'mine'\">")]
    [InlineData("<meta http-equiv=refresh content=0;url=http://127.0.0.2/>")]
    public Task A_host_names_itself_as_it_likes_and_the_page_shows_that_as_text(string hostname) => installation.Browse(Look.NarrowPhone, async tab =>
    {
        await tab.VisitStill($"/device?user_code={await installation.AskForCode(hostname)}");
        await Assertions.Expect(tab.Page.GetByRole(AriaRole.Definition).First).ToHaveTextAsync(hostname);
        Assert.NotEqual("mine", await tab.Page.TitleAsync());
        Assert.False(await tab.IsTooWide(), "It is wider than the phone.");
    });

    private static async Task Answer(IPage page, string name, string password, string button)
    {
        await page.GetByLabel("User name").FillAsync(name);
        await page.GetByLabel("Password").FillAsync(password);
        await page.GetByRole(AriaRole.Button, new() { Name = button }).ClickAsync();
    }
}
