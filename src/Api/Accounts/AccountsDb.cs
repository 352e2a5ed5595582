using Microsoft.AspNetCore.Identity;
using Microsoft.AspNetCore.Identity.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace NannyOrleans.Api.Accounts;

/// <summary>A person who may sign in.</summary>
internal sealed class Person : IdentityUser;

/// <summary>People, and the OAuth clients, authorizations and tokens.</summary>
internal sealed class AccountsDb(DbContextOptions<AccountsDb> options) : IdentityDbContext<Person>(options);

/// <summary>Lets `dotnet ef migrations add` make the context without starting a server.</summary>
internal sealed class AccountsDbAtDesignTime : IDesignTimeDbContextFactory<AccountsDb>
{
    public AccountsDb CreateDbContext(string[] args) =>
        new(new DbContextOptionsBuilder<AccountsDb>().UseSqlite("Data Source=design.db").UseOpenIddict().Options);
}
