using System.Text;
using Microsoft.Extensions.DependencyInjection;
using NannyOrleans.Grains.Campaigns;
using Orleans.Serialization;
using Orleans.Serialization.Invocation;

namespace NannyOrleans.Silo.Tests.Shapes;

public sealed class OlderSiloTests(SharedSilo shared)
{
    [Fact]
    public void A_silo_that_lacks_a_method_says_so_in_words_that_are_understood()
    {
        var serializer = shared.Silo.Services.GetRequiredService<Serializer>();
        var call = typeof(ICampaignsGrain).Assembly.GetTypes().Single(type => typeof(IInvokable).IsAssignableFrom(type) && type.Name.Contains("ICampaignsGrain", StringComparison.Ordinal)
            && type.GetConstructor([]) is not null && ((IInvokable)Activator.CreateInstance(type)!).GetMethodName() is nameof(ICampaignsGrain.Select));
        var known = serializer.SerializeToArray<object>(Activator.CreateInstance(call)!);
        Assert.IsAssignableFrom<IInvokable>(serializer.Deserialize<object>(known));

        // A method that a later release may have.
        var sent = Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(known).Replace("\"Select\"", "\"Gather\"", StringComparison.Ordinal));
        Assert.NotEqual(known, sent);
        var failure = Assert.ThrowsAny<Exception>(() => serializer.Deserialize<object>(sent));
        Assert.True(OlderSilo.Answered(failure), $"{failure}");
        Assert.False(OlderSilo.Answered(new TimeoutException()));
    }
}
