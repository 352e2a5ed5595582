using NannyOrleans.Silo.Storage;
using Npgsql;

namespace NannyOrleans.Api.Accounts;

/// <summary>Brings the accounts' tables up to date.</summary>
internal sealed class AccountsMigration(IServiceScopeFactory scopes, NpgsqlDataSource? postgres = null) : ITablesMigration
{
    public Task StartAsync(CancellationToken cancellationToken) => PostgresDatabase.InTurn(postgres, () => Migrate(cancellationToken), cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task Migrate(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        await TablesMigration.Apply(scope.ServiceProvider.GetRequiredService<AccountsDb>().Database, cancellationToken);
    }
}
