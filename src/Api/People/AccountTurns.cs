using NannyOrleans.Silo.Storage;
using Npgsql;

namespace NannyOrleans.Api.People;

/// <summary>Changes of accounts, one at a time in the whole installation: of two administrators who remove each other, one stays.</summary>
internal sealed class AccountTurns(NpgsqlDataSource? postgres = null) : IDisposable
{
    private readonly SemaphoreSlim turn = new(1, 1);

    /// <summary>Does it when it is its turn.</summary>
    public async Task Take(Func<Task> work, CancellationToken cancellationToken)
    {
        await turn.WaitAsync(cancellationToken);
        try
        {
            await PostgresDatabase.InTurn(postgres, work, cancellationToken);
        }
        finally
        {
            turn.Release();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => turn.Dispose();
}
