using Microsoft.AspNetCore.SignalR;
using NannyOrleans.Grains.Telemetry;

namespace NannyOrleans.Api.Telemetry;

/// <summary>Counts what agents say. A method that the hub does not have never gets here: its name would be a stranger's word.</summary>
internal sealed class HubMessages(Instruments instruments) : IHubFilter
{
    public async ValueTask<object?> InvokeMethodAsync(HubInvocationContext invocationContext, Func<HubInvocationContext, ValueTask<object?>> next)
    {
        var answer = HubAnswer.Failed;
        try
        {
            var result = await next(invocationContext);
            answer = HubAnswer.Taken;
            return result;
        }
        catch (HubException)
        {
            answer = HubAnswer.Refused;
            throw;
        }
        finally
        {
            instruments.Answered(invocationContext.HubMethodName, answer);
        }
    }
}
