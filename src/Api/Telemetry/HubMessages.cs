using Microsoft.AspNetCore.SignalR;
using NannyOrleans.Grains.Telemetry;

namespace NannyOrleans.Api.Telemetry;

/// <summary>
/// Counts what agents say, and writes down what failed. SignalR would do so for each refusal as well, with a stack trace, and a hostile agent is refused
/// as often as it likes. A method that the hub does not have never gets here: its name would be a stranger's word.
/// </summary>
internal sealed partial class HubMessages(Instruments instruments, ILogger<HubMessages> logger) : IHubFilter
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
        catch (Exception failure)
        {
            Log.Failed(logger, invocationContext.HubMethodName, failure);
            throw;
        }
        finally
        {
            instruments.Answered(invocationContext.HubMethodName, answer);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(5301, LogLevel.Error, "{Method} failed")]
        public static partial void Failed(ILogger logger, string method, Exception failure);
    }
}
