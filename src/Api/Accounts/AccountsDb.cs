using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using Microsoft.EntityFrameworkCore.Storage.ValueConversion;

namespace NannyOrleans.Api.Accounts;

/// <summary>A person who may sign in.</summary>
internal sealed class Person : IdentityUser;

/// <summary>People, and the OAuth clients, authorizations and tokens. In this form on SQLite.</summary>
internal class AccountsDb : IdentityDbContext<Person>
{
    /// <summary>On SQLite.</summary>
    public AccountsDb(DbContextOptions<AccountsDb> options)
        : base(options)
    {
    }

    /// <summary>On another database.</summary>
    protected AccountsDb(DbContextOptions options)
        : base(options)
    {
    }

    /// <summary>Personal access tokens.</summary>
    public DbSet<PersonalToken> PersonalTokens => Set<PersonalToken>();

    /// <summary>Second factors.</summary>
    public DbSet<SecondFactor> SecondFactors => Set<SecondFactor>();

    /// <summary>What stands in for a second factor that was lost, once each.</summary>
    public DbSet<RecoveryCode> RecoveryCodes => Set<RecoveryCode>();

    /// <inheritdoc/>
    protected override void OnModelCreating(ModelBuilder builder)
    {
        base.OnModelCreating(builder);
        builder.Entity<PersonalToken>(token =>
        {
            token.HasKey(one => one.Id);
            token.HasIndex(one => one.Hash).IsUnique();
            token.HasIndex(one => one.PersonId);
            token.Property(one => one.CreatedAt).HasConversion<Seconds>();
            token.Property(one => one.ExpiresAt).HasConversion<Seconds>();
            token.Property(one => one.LastUsedAt).HasConversion<Seconds>();
            token.HasOne<Person>().WithMany().HasForeignKey(one => one.PersonId).OnDelete(DeleteBehavior.Cascade);
        });
        builder.Entity<SecondFactor>(factor =>
        {
            factor.HasKey(one => one.PersonId);
            factor.HasOne<Person>().WithOne().HasForeignKey<SecondFactor>(one => one.PersonId).OnDelete(DeleteBehavior.Cascade);
        });
        builder.Entity<RecoveryCode>(code =>
        {
            code.HasKey(one => new { one.PersonId, one.Hash });
            code.HasOne<Person>().WithMany().HasForeignKey(one => one.PersonId).OnDelete(DeleteBehavior.Cascade);
        });
    }
}

/// <summary>Times as seconds since 1970: SQLite can't compare those that carry an offset.</summary>
internal sealed class Seconds() : ValueConverter<DateTimeOffset, long>(time => time.ToUnixTimeSeconds(), seconds => DateTimeOffset.FromUnixTimeSeconds(seconds));

/// <summary>The accounts on PostgreSQL: the same tables with migrations of their own, which are counted apart from the history's in the same database.</summary>
internal sealed class PostgresAccountsDb(DbContextOptions<PostgresAccountsDb> options) : AccountsDb(options)
{
    /// <summary>The table of the migrations that were applied.</summary>
    public const string Migrations = "accounts_migrations";
}

/// <summary>Lets `dotnet ef migrations add` make the context without starting a server.</summary>
internal sealed class AccountsDbAtDesignTime : IDesignTimeDbContextFactory<AccountsDb>
{
    public AccountsDb CreateDbContext(string[] args) =>
        new(new DbContextOptionsBuilder<AccountsDb>().UseSqlite("Data Source=design.db").UseOpenIddict().Options);
}

/// <summary>The same for PostgreSQL.</summary>
internal sealed class PostgresAccountsDbAtDesignTime : IDesignTimeDbContextFactory<PostgresAccountsDb>
{
    public PostgresAccountsDb CreateDbContext(string[] args) => new(
        new DbContextOptionsBuilder<PostgresAccountsDb>().UseNpgsql("Host=design", postgres => postgres.MigrationsHistoryTable(PostgresAccountsDb.Migrations)).UseOpenIddict().Options);
}
