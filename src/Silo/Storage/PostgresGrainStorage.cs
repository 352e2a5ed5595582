using System.Net.Sockets;
using NannyOrleans.Grains;
using Npgsql;
using Orleans.Storage;

namespace NannyOrleans.Silo.Storage;

/// <summary>
/// Orleans' own storage, and of each write that failed the word whether it can have landed. One that the server refused, or that did not reach it,
/// has not: the grain goes on with what it remembers, and its readers are answered while the database is away.
/// </summary>
internal sealed class PostgresGrainStorage(IGrainStorage inner) : IGrainStorage
{
    /// <inheritdoc/>
    public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        Said(grainId, "read", () => inner.ReadStateAsync(stateName, grainId, grainState));

    /// <inheritdoc/>
    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        Said(grainId, "stored", () => inner.WriteStateAsync(stateName, grainId, grainState));

    /// <inheritdoc/>
    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState) =>
        Said(grainId, "cleared", () => inner.ClearStateAsync(stateName, grainId, grainState));

    // In words: an activation that could not read its state is told of to who called, in another process, and the driver's exception can't be sent there.
    private static async Task Said(GrainId grain, string what, Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (NpgsqlException failure)
        {
            var words = $"{grain} was not {what}: {failure.Message}";
            throw IsSure(failure) ? new NotStoredException(words) : new OrleansException(words);
        }
    }

    /// <summary>
    /// A statement by itself is a transaction: one that is answered with an error has left nothing. Not so where the session was ended (class 57) or the
    /// connection broke (08), which a commit may have come before, nor where the server itself does not know (40003). And no connection, no statement: a socket's own error comes from opening one, one in use breaks as a stream does.
    /// </summary>
    internal static bool IsSure(NpgsqlException failure) => failure switch
    {
        PostgresException { SqlState: "57P03" } => true, // it is starting up, and has taken nothing
        PostgresException { SqlState: "40003" } => false,
        PostgresException refused => refused.SqlState[..2] is not ("57" or "08"),
        { InnerException: SocketException } => true,
        _ => false,
    };
}
