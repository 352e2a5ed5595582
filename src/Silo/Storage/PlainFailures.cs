using System.Data.Common;
using NannyOrleans.Grains;

namespace NannyOrleans.Silo.Storage;

/// <summary>
/// What a grain's caller is told of a database's failure: its words. The driver's exception itself can't be sent to another process, and what would
/// arrive in its place says nothing of a database.
/// </summary>
internal sealed class PlainFailures : IIncomingGrainCallFilter
{
    /// <inheritdoc/>
    public async Task Invoke(IIncomingGrainCallContext context)
    {
        try
        {
            await context.Invoke();
        }
        catch (Exception failure) when (Cause(failure) is { } cause)
        {
            throw failure is NotStoredException ? new NotStoredException(failure.Message) : new OrleansException($"The database failed: {cause.Message}");
        }
    }

    private static DbException? Cause(Exception? failure) => failure is null or DbException ? failure as DbException : Cause(failure.InnerException);
}
