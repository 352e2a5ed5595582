using Microsoft.EntityFrameworkCore;
using OpenIddict.Abstractions;

namespace NannyOrleans.Api.Accounts;

/// <summary>Each token that is given out is a row; those that have been worthless for a while are dropped once a day.</summary>
internal sealed partial class TokenPruning(IServiceScopeFactory scopes, TimeProvider clock, ILogger<TokenPruning> logger) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromDays(1);

    /// <summary>Beyond the longest life of a code, so that a late answer to one still says what became of it.</summary>
    private static readonly TimeSpan Kept = TimeSpan.FromDays(2);

    /// <summary>Signings in of which no token is left. A cookie has no row of its own and lives shorter than this.</summary>
    private static readonly TimeSpan SignInsKept = TimeSpan.FromDays(8);

    /// <summary>For so long its owner still sees a personal access token that has expired.</summary>
    private static readonly TimeSpan ExpiredSeen = TimeSpan.FromDays(30);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var tick = new PeriodicTimer(Every, clock);
        do
        {
            try
            {
                await using var scope = scopes.CreateAsyncScope();
                var pruned = await scope.ServiceProvider.GetRequiredService<IOpenIddictTokenManager>().PruneAsync(clock.GetUtcNow() - Kept, stoppingToken);
                pruned += await scope.ServiceProvider.GetRequiredService<IOpenIddictAuthorizationManager>().PruneAsync(clock.GetUtcNow() - SignInsKept, stoppingToken);
                var seen = clock.GetUtcNow() - ExpiredSeen;
                pruned += await scope.ServiceProvider.GetRequiredService<AccountsDb>().PersonalTokens.Where(one => one.ExpiresAt < seen).ExecuteDeleteAsync(stoppingToken);
                Log.Pruned(logger, pruned);
            }
            catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
            {
                Log.NotPruned(logger, failure);
            }
        }
        while (await tick.WaitForNextTickAsync(stoppingToken));
    }

    private static partial class Log
    {
        [LoggerMessage(4101, LogLevel.Debug, "{Count} worthless tokens dropped")]
        public static partial void Pruned(ILogger logger, long count);

        [LoggerMessage(4102, LogLevel.Warning, "Worthless tokens could not be dropped; trying again tomorrow")]
        public static partial void NotPruned(ILogger logger, Exception failure);
    }
}
