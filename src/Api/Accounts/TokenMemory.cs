using System.Collections.Concurrent;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.Options;
using NannyOrleans.Api.Dashboard.Calls;
using NannyOrleans.Protocol;
using NannyOrleans.Silo.Telemetry;
using OpenIddict.Validation.AspNetCore;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace NannyOrleans.Api.Accounts;

/// <summary>
/// The scheme that policies name: personal access tokens, the cookie where no header is, and else OpenIddict's, with a memory. What it says of an access token follows from the token, the keys and the clock
/// alone (who may speak for a node its grain is asked each time, and whether a person's sign-in holds <see cref="SignIns"/> know). So each token
/// is decrypted and its signature checked once, and looked up until it expires. OpenIddict is not even asked whether a request of the API or of
/// an agent's connection is one of its own, which takes longer than all else that is done to know who calls.
/// </summary>
internal sealed class TokenMemory(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, TokenMemory.Known known, SignIns signIns, PersonalTokens personal)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    /// <summary>The scheme's name.</summary>
    public const string SchemeName = "token";

    private const string Checking = OpenIddictValidationAspNetCoreDefaults.AuthenticationScheme;

    /// <summary>Adds the scheme. Who is refused is told by OpenIddict.</summary>
    public static void Add(AuthenticationBuilder authentication)
    {
        authentication.Services.AddSingleton<Known>();
        authentication.Services.AddSingleton<IAuthenticationSchemeProvider, RequestSchemes>();
        authentication.AddScheme<AuthenticationSchemeOptions, TokenMemory>(SchemeName, configureOptions: null);
    }

    /// <inheritdoc/>
    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        // A scraper's is no person's, and need not be said to be none each time.
        if (Request.Path == ScrapeToken.Path && Context.RequestServices.GetRequiredService<ScrapeToken>().IsShownBy(Context))
        {
            return AuthenticateResult.NoResult();
        }

        // What an open page asks for comes without a request of its own; nothing from outside can bring this.
        if (Context.Features.Get<PageCaller>() is { } caller)
        {
            return await SessionCookie.Holds(caller.Principal, Context.RequestServices)
                ? AuthenticateResult.Success(new(caller.Principal, SchemeName))
                : AuthenticateResult.Fail("The sign-in that the page was opened with has ended.");
        }

        if (Request.Headers.Authorization.Count is 0)
        {
            return await Context.AuthenticateAsync(SessionCookie.SchemeName);
        }

        // The header as it came, so that what is remembered is what was checked, however it is to be read.
        if (Request.Headers.Authorization is not [{ Length: > 0 and <= MaxLength } header])
        {
            return await Check();
        }

        if (header.StartsWith(PersonalHeader, StringComparison.OrdinalIgnoreCase))
        {
            return await personal.Find(header[BearerLength..]) is { } person
                ? AuthenticateResult.Success(new(person, SchemeName))
                : AuthenticateResult.Fail("The personal access token is not known, has expired or was revoked.");
        }

        if (known.Find(header, TimeProvider.GetUtcNow()) is { } ticket)
        {
            return await Held(ticket);
        }

        var result = await Check();
        if (result is not { Succeeded: true, Ticket: { } good })
        {
            return result;
        }

        known.Add(header, good);
        return await Held(good);
    }

    private async ValueTask<AuthenticateResult> Held(AuthenticationTicket ticket) =>
        ticket.Principal.FindFirst(Policies.NodeClaim) is not null || await signIns.Hold(ticket.Principal)
            ? AuthenticateResult.Success(ticket)
            : AuthenticateResult.Fail("The sign-in that the token came of has ended.");

    /// <inheritdoc/>
    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        // What OpenIddict was not asked about it would take for good, and for too little.
        properties.Items[OpenIddictValidationAspNetCoreConstants.Properties.Error] = Request.Headers.Authorization.Count is 0 ? Errors.MissingToken : Errors.InvalidToken;
        await Introduce();
        await Context.ChallengeAsync(Checking, properties);
    }

    /// <inheritdoc/>
    protected override async Task HandleForbiddenAsync(AuthenticationProperties properties)
    {
        await Introduce();
        await Context.ForbidAsync(Checking, properties);
    }

    private async Task<AuthenticateResult> Check()
    {
        await Introduce();
        return await Context.AuthenticateAsync(Checking);
    }

    // OpenIddict answers nothing about a request that it was not shown first.
    private async Task Introduce()
    {
        if (Context.Features.Get<OpenIddictValidationAspNetCoreFeature>() is null)
        {
            var handlers = Context.RequestServices.GetRequiredService<IAuthenticationHandlerProvider>();
            await ((IAuthenticationRequestHandler)(await handlers.GetHandlerAsync(Context, Checking))!).HandleRequestAsync();
        }
    }

    private const int MaxLength = 8 * 1024;
    private const int BearerLength = 7;
    private const string PersonalHeader = "Bearer " + PersonalToken.Prefix;

    /// <summary>The tokens that were found good in this process.</summary>
    internal sealed class Known
    {
        private const int Most = 4096;
        private readonly ConcurrentDictionary<string, AuthenticationTicket> tickets = [];

        /// <summary>What a header stands for; null when it was not seen, or has expired.</summary>
        public AuthenticationTicket? Find(string header, DateTimeOffset now)
        {
            if (!tickets.TryGetValue(header, out var ticket))
            {
                return null;
            }

            if (now < ticket.Properties.ExpiresUtc)
            {
                return ticket;
            }

            tickets.TryRemove(header, out _);
            return null;
        }

        /// <summary>Remembers one; one without an end is not.</summary>
        public void Add(string header, AuthenticationTicket ticket)
        {
            if (ticket.Properties.ExpiresUtc is null)
            {
                return;
            }

            // Expired ones of agents that have newer ones since; to check the living once more is nothing.
            if (tickets.Count >= Most)
            {
                tickets.Clear();
            }

            tickets[header] = ticket;
        }
    }

    /// <summary>Who is asked of each request whether it is one of theirs: of those that only our endpoints answer, nobody.</summary>
    private sealed class RequestSchemes(IOptions<AuthenticationOptions> options, IHttpContextAccessor current) : AuthenticationSchemeProvider(options)
    {
        private static readonly Task<IEnumerable<AuthenticationScheme>> None = Task.FromResult<IEnumerable<AuthenticationScheme>>([]);

        public override Task<IEnumerable<AuthenticationScheme>> GetRequestHandlerSchemesAsync() =>
            current.HttpContext?.Request.Path is { } path && (path.StartsWithSegments("/api", StringComparison.Ordinal) || path.StartsWithSegments(AgentHub.Path, StringComparison.Ordinal))
                ? None
                : base.GetRequestHandlerSchemesAsync();
    }
}
