using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace NannyOrleans.Silo.History;

/// <summary>The history on PostgreSQL: the same tables with migrations of their own, and Orleans' tables beside them.</summary>
internal sealed class PostgresHistoryDb(DbContextOptions<PostgresHistoryDb> options) : HistoryDb(options)
{
    /// <inheritdoc/>
    public override string HeadForUpdate => "SELECT * FROM \"audit_head\" FOR UPDATE";

    /// <inheritdoc/>
    protected override void ConfigureConventions(ModelConfigurationBuilder configurationBuilder)
    {
        // Sorted by bytes, as on SQLite: ids are times, and an index in a language's order breaks with the next version of the C library.
        configurationBuilder.Properties<string>().UseCollation("C");
    }
}

/// <summary>Hands it to whoever asks for the history and need not know which database it is in.</summary>
internal sealed class PostgresHistoryFactory(IDbContextFactory<PostgresHistoryDb> databases) : IDbContextFactory<HistoryDb>
{
    public HistoryDb CreateDbContext() => databases.CreateDbContext();

    public async Task<HistoryDb> CreateDbContextAsync(CancellationToken cancellationToken = default) => await databases.CreateDbContextAsync(cancellationToken);
}

/// <summary>Lets `dotnet ef migrations add` make the context without starting a silo.</summary>
internal sealed class PostgresHistoryDbAtDesignTime : IDesignTimeDbContextFactory<PostgresHistoryDb>
{
    public PostgresHistoryDb CreateDbContext(string[] args) => new(new DbContextOptionsBuilder<PostgresHistoryDb>().UseNpgsql("Host=design").Options);
}
