using System.Security.Claims;
using Microsoft.AspNetCore.Identity;
using NannyOrleans.Domain.Access;
using NannyOrleans.Protocol;
using NannyOrleans.Silo;
using NannyOrleans.Silo.Storage;
using Npgsql;
using OpenIddict.Abstractions;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace NannyOrleans.Api.Accounts;

/// <summary>Makes what must be there: our own clients and the first administrator.</summary>
internal sealed partial class AccountsStart(IServiceScopeFactory scopes, IConfiguration configuration, ILogger<AccountsStart> logger, NpgsqlDataSource? postgres = null) : IHostedService
{
    /// <summary>The environment variable (less its prefix) with the first administrator's password.</summary>
    private const string PasswordKey = "ADMIN_PASSWORD";

    // Of several processes that start at once on a new database, one makes the administrator and says his password.
    public Task StartAsync(CancellationToken cancellationToken) => PostgresDatabase.InTurn(postgres, () => Begin(cancellationToken), cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task Begin(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        await AddClients(scope.ServiceProvider.GetRequiredService<IOpenIddictApplicationManager>(), cancellationToken);
        await AddFirstAdministrator(scope.ServiceProvider.GetRequiredService<UserManager<Person>>());
    }

    private static async Task AddClients(IOpenIddictApplicationManager clients, CancellationToken cancellationToken)
    {
        await Add(new()
        {
            ClientId = Registration.ClientId,
            ClientType = ClientTypes.Public,
            DisplayName = "NannyOrleans host agent",
            Permissions =
            {
                Permissions.Endpoints.DeviceAuthorization,
                Permissions.Endpoints.Token,
                Permissions.GrantTypes.DeviceCode,
                Permissions.GrantTypes.RefreshToken,
                Permissions.Prefixes.Scope + Registration.AgentScope,
            },
        });
        var people = new OpenIddictApplicationDescriptor
        {
            ClientId = TokenSetup.CommandLineClient,
            ClientType = ClientTypes.Public,
            ApplicationType = ApplicationTypes.Native, // whose ports are whatever is free
            RedirectUris = { new("http://127.0.0.1/"), new("http://[::1]/"), new("http://127.0.0.1/callback"), new("http://[::1]/callback") },
            DisplayName = "Command line",
            Permissions =
            {
                Permissions.Endpoints.Token,
                Permissions.Endpoints.Revocation,
                Permissions.Endpoints.Authorization,
                Permissions.Endpoints.DeviceAuthorization,
                Permissions.ResponseTypes.Code,
                Permissions.GrantTypes.AuthorizationCode,
                Permissions.GrantTypes.DeviceCode,
                Permissions.GrantTypes.Password,
                Permissions.GrantTypes.RefreshToken,
                Permissions.Prefixes.Scope + TokenSetup.ApiScope,
            },
        };
        people.Permissions.UnionWith(TokenSetup.Scopes.Keys.Select(scope => Permissions.Prefixes.Scope + scope));
        await Add(people);

        async Task Add(OpenIddictApplicationDescriptor client)
        {
            if (await clients.FindByClientIdAsync(client.ClientId!, cancellationToken) is { } known)
            {
                await clients.UpdateAsync(known, client, cancellationToken);
            }
            else
            {
                await clients.CreateAsync(client, cancellationToken);
            }
        }
    }

    private async Task AddFirstAdministrator(UserManager<Person> people)
    {
        var administrator = new Claim(PersonAccess.GrantClaim, new Grant(Role.Administrator).ToString());
        if ((await people.GetUsersForClaimAsync(administrator)).Count > 0)
        {
            return;
        }

        var password = configuration[PasswordKey];
        if (string.IsNullOrEmpty(password))
        {
            password = FirstPassword.Make();

            // Said before it is stored: after a crash in between, the next start makes and says another one. The other way round nobody
            // would ever know it. Not through the logger: where logs go is configured, and often far away. (Under systemd the console is
            // the journal; the environment variable is the way around that.)
            Console.WriteLine($"First administrator: user name 'admin', password '{password}'. It is not shown again.");
        }

        var admin = await people.FindByNameAsync("admin") ?? new Person { UserName = "admin" };
        if (await people.FindByNameAsync("admin") is null)
        {
            Must(await people.CreateAsync(admin, password));
        }
        else
        {
            Must(await people.RemovePasswordAsync(admin));
            Must(await people.AddPasswordAsync(admin, password));
        }

        Must(await people.AddClaimAsync(admin, administrator));
        Log.AdministratorMade(logger, "admin");
    }

    private static void Must(IdentityResult result)
    {
        if (!result.Succeeded)
        {
            throw new CannotStartException($"The first administrator could not be made: {string.Join(" ", result.Errors.Select(error => error.Description))}");
        }
    }

    private static partial class Log
    {
        [LoggerMessage(4001, LogLevel.Information, "First administrator '{Name}' made")]
        public static partial void AdministratorMade(ILogger logger, string name);
    }
}
