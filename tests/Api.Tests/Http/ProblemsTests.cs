using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using NannyOrleans.Api.Http;

namespace NannyOrleans.Api.Tests.Http;

/// <summary>What an exception looks like to whoever called.</summary>
public sealed class ProblemsTests
{
    public static TheoryData<string, int, string> Failures => new()
    {
        { """Unable to resolve type alias "("inv",[Orleans.Runtime.GrainReference],[ICampaignsGrain,Grains],"Select")".""", 503, "older-release" },
        { "Could not load type 'Secret'.", 500, "internal-error" }, // a broken installation is not an upgrade
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_silo_that_is_too_old_for_a_question_is_an_answer_of_its_own(string message, int status, string code)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        Problems.AddProblems(builder.Services);
        await using var app = builder.Build();
        app.UseExceptionHandler();
        app.MapGet("/", Task () => throw new TypeLoadException(message));
        await app.StartAsync(CancellationToken.None);
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        using var http = new HttpClient { BaseAddress = new(address) };
        using var answer = await http.GetAsync("/");
        var problem = await answer.Content.ReadAsStringAsync();
        Assert.Equal((status, "application/problem+json", code), ((int)answer.StatusCode, answer.Content.Headers.ContentType?.MediaType, JsonElement.Parse(problem).GetProperty("code").GetString()));
        Assert.DoesNotContain("alias", problem, StringComparison.Ordinal);
        Assert.DoesNotContain("Secret", problem, StringComparison.Ordinal);
    }
}
