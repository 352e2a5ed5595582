using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace NannyOrleans.Silo.Storage;

/// <summary>Brings tables up to date, before anything reads them: at each start, where it finds nothing to do most of the time.</summary>
public interface ITablesMigration : IHostedService;

/// <summary>How it is done.</summary>
public static class TablesMigration
{
    /// <summary>Applies what is missing. What a later release has added stays: it only adds, so that both run side by side for a while.</summary>
    public static async Task Apply(DatabaseFacade database, CancellationToken cancellationToken)
    {
        // Made first: looked for in vain, it would be logged as an error.
        await database.GetService<IHistoryRepository>().CreateIfNotExistsAsync(cancellationToken);
        await database.MigrateAsync(cancellationToken);
    }
}
