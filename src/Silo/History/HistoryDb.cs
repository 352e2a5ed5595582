using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Silo.Audit;

namespace NannyOrleans.Silo.History;

/// <summary>Operations and what their targets printed, campaigns, metrics, and the audit log. In this form on SQLite.</summary>
internal class HistoryDb : DbContext
{
    /// <summary>On SQLite.</summary>
    public HistoryDb(DbContextOptions<HistoryDb> options)
        : base(options)
    {
    }

    /// <summary>On another database.</summary>
    protected HistoryDb(DbContextOptions options)
        : base(options)
    {
    }

    /// <summary>Operations, from the request on.</summary>
    public DbSet<OperationRow> Operations => Set<OperationRow>();

    /// <summary>What they printed; apart, because lists of operations never want it.</summary>
    public DbSet<OperationOutputRow> Outputs => Set<OperationOutputRow>();

    /// <summary>Campaigns, from their start on.</summary>
    public DbSet<CampaignRow> Campaigns => Set<CampaignRow>();

    /// <summary>What happened in them.</summary>
    public DbSet<CampaignEventRow> CampaignEvents => Set<CampaignEventRow>();

    /// <summary>Means over five minutes.</summary>
    public DbSet<MetricsRow> Metrics => Set<MetricsRow>();

    /// <summary>Who did what, as a chain; rows are added and, by triggers too, neither changed nor removed.</summary>
    public DbSet<AuditRow> Audit => Set<AuditRow>();

    /// <summary>Where that chain ends: one row.</summary>
    public DbSet<AuditHeadRow> AuditHeads => Set<AuditHeadRow>();

    /// <summary>Reads <see cref="AuditHeads"/> and keeps others from changing it until the transaction's end. On SQLite nobody else writes meanwhile.</summary>
    public virtual string HeadForUpdate => "SELECT * FROM \"audit_head\"";

    /// <inheritdoc/>
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<OperationRow>(operation =>
        {
            operation.ToTable("operations");
            operation.HasKey(row => row.Id);
            operation.HasIndex(row => new { row.Kind, row.Created });
            operation.HasIndex(row => new { row.Target, row.Created });
            operation.HasIndex(row => row.Batch);
            operation.HasIndex(row => row.Completed); // what is old is dropped by it

            // An ended one never changes again, whoever else may be writing.
            operation.Property(row => row.Completed).IsConcurrencyToken();
        });
        modelBuilder.Entity<OperationOutputRow>(output =>
        {
            output.ToTable("operation_outputs");
            output.HasKey(row => row.Id);
        });
        modelBuilder.Entity<CampaignRow>(campaign =>
        {
            campaign.ToTable("campaigns");
            campaign.HasKey(row => row.Id);
            campaign.HasIndex(row => new { row.Cluster, row.Id });
        });
        modelBuilder.Entity<CampaignEventRow>(happened =>
        {
            happened.ToTable("campaign_events");
            happened.HasKey(row => new { row.Campaign, row.Number });
        });
        modelBuilder.Entity<MetricsRow>(metrics =>
        {
            metrics.ToTable("metrics");
            metrics.HasKey(row => new { row.Cluster, row.Node, row.At });
            metrics.HasIndex(row => row.At); // what is old is dropped by it
        });
        modelBuilder.Entity<AuditRow>(audit =>
        {
            audit.ToTable("audit_log");
            audit.HasKey(row => row.Sequence);
            audit.Property(row => row.Sequence).ValueGeneratedNever();
            audit.HasIndex(row => row.At);
            audit.HasIndex(row => new { row.Actor, row.Sequence });
            audit.HasIndex(row => new { row.Target, row.Sequence });
        });
        modelBuilder.Entity<AuditHeadRow>(head =>
        {
            head.ToTable("audit_head");
            head.HasKey(row => row.Id);
            head.Property(row => row.Id).ValueGeneratedNever();
        });
    }
}

/// <summary>One operation: what lists are sorted and filtered by, and the whole record as JSON.</summary>
internal sealed class OperationRow
{
    public required string Id { get; init; }

    public required string Kind { get; init; }

    public required string Cluster { get; init; }

    public required string Node { get; init; }

    public required string Target { get; init; }

    public required string Name { get; init; }

    public required string? Mode { get; init; }

    public required string? Batch { get; init; }

    public required string RequestedBy { get; init; }

    public required string Status { get; set; }

    /// <summary>Unix milliseconds.</summary>
    public required long Created { get; init; }

    /// <summary>Unix milliseconds; null while it has not ended.</summary>
    public required long? Completed { get; set; }

    public required string Record { get; set; }
}

/// <summary>What one ended operation printed.</summary>
internal sealed class OperationOutputRow
{
    public required string Id { get; init; }

    public required string StandardOutput { get; init; }

    public required string StandardError { get; init; }
}

/// <summary>One campaign; its id sorts by time.</summary>
internal sealed class CampaignRow
{
    public required string Id { get; init; }

    public required string Cluster { get; init; }

    /// <summary>Unix milliseconds; null while it has not ended.</summary>
    public required long? Completed { get; set; }

    /// <summary>The campaign without its news, as JSON.</summary>
    public required string Record { get; set; }

    /// <summary>What it was to do when it was started, as JSON; null when that was not stored.</summary>
    public required string? Plan { get; set; }
}

/// <summary>Something that happened in a campaign.</summary>
internal sealed class CampaignEventRow
{
    public required string Campaign { get; init; }

    public required int Number { get; init; }

    /// <summary>The event as JSON.</summary>
    public required string Record { get; init; }
}

/// <summary>Five minutes of one host.</summary>
internal sealed class MetricsRow
{
    public required string Cluster { get; init; }

    public required string Node { get; init; }

    /// <summary>Unix seconds.</summary>
    public required long At { get; init; }

    public required int Samples { get; init; }

    /// <summary>The host's part as JSON. Curves of hosts are asked for without their guests.</summary>
    public required byte[] Data { get; init; }

    /// <summary>Its guests as <see cref="PackedGuests"/>.</summary>
    public required byte[] Guests { get; init; }
}

/// <summary>One entry of the audit log.</summary>
internal sealed class AuditRow
{
    public required long Sequence { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public required long At { get; init; }

    public required string Actor { get; init; }

    public required string? Address { get; init; }

    public required string Action { get; init; }

    public required string Target { get; init; }

    public required string? Cluster { get; init; }

    public required string Result { get; init; }

    public required string? Detail { get; init; }

    /// <summary>The hash of the row before it.</summary>
    public required byte[] Previous { get; init; }

    public required byte[] Hash { get; init; }

    /// <summary>The entry in its place.</summary>
    /// <exception cref="FormatException">Nothing of ours has written this.</exception>
    public ChainedEntry Read() => At is < 0 or > 253_402_300_799_999
        ? throw new FormatException($"{At} is no time.")
        : new(
            Sequence,
            new(DateTimeOffset.FromUnixTimeMilliseconds(At), Actor, Action, Target, Result, Detail) { Address = Address, Cluster = Cluster is null ? null : ClusterId.Parse(Cluster) },
            Previous,
            Hash);
}

/// <summary>The end of the audit log.</summary>
internal sealed class AuditHeadRow
{
    /// <summary>Always <see cref="Only"/>.</summary>
    public required int Id { get; init; }

    public required long Sequence { get; init; }

    public required byte[] Hash { get; init; }

    /// <summary>See <see cref="AuditHead.Seal"/>.</summary>
    public required byte[] Seal { get; init; }

    public const int Only = 1;
}

/// <summary>Lets `dotnet ef migrations add` make the context without starting a silo.</summary>
internal sealed class HistoryDbAtDesignTime : IDesignTimeDbContextFactory<HistoryDb>
{
    public HistoryDb CreateDbContext(string[] args) => new(new DbContextOptionsBuilder<HistoryDb>().UseSqlite("Data Source=design.db").Options);
}
