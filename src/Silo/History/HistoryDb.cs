using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace NannyOrleans.Silo.History;

/// <summary>What only grows: ended operations and what their targets printed.</summary>
internal sealed class HistoryDb(DbContextOptions<HistoryDb> options) : DbContext(options)
{
    /// <summary>Ended operations.</summary>
    public DbSet<OperationRow> Operations => Set<OperationRow>();

    /// <summary>What they printed; apart, because lists of operations never want it.</summary>
    public DbSet<OperationOutputRow> Outputs => Set<OperationOutputRow>();

    /// <inheritdoc/>
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<OperationRow>(operation =>
        {
            operation.ToTable("operations");
            operation.HasKey(row => row.Id);
            operation.HasIndex(row => new { row.Cluster, row.Vmid });
        });
        modelBuilder.Entity<OperationOutputRow>(output =>
        {
            output.ToTable("operation_outputs");
            output.HasKey(row => row.Id);
        });
    }
}

/// <summary>One ended operation: what lists are sorted and filtered by, and the whole record as JSON.</summary>
internal sealed class OperationRow
{
    public required string Id { get; init; }

    public required string Cluster { get; init; }

    public required int Vmid { get; init; }

    public required string Status { get; init; }

    public required DateTimeOffset CompletedAt { get; init; }

    public required string Record { get; init; }
}

/// <summary>What one ended operation printed.</summary>
internal sealed class OperationOutputRow
{
    public required string Id { get; init; }

    public required string StandardOutput { get; init; }

    public required string StandardError { get; init; }
}

/// <summary>Lets `dotnet ef migrations add` make the context without starting a silo.</summary>
internal sealed class HistoryDbAtDesignTime : IDesignTimeDbContextFactory<HistoryDb>
{
    public HistoryDb CreateDbContext(string[] args) => new(new DbContextOptionsBuilder<HistoryDb>().UseSqlite("Data Source=design.db").Options);
}
