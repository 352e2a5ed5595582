using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

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
}

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
