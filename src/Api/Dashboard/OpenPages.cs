using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.Components.Server.Circuits;
using OpenIddict.Abstractions;

namespace NannyOrleans.Api.Dashboard;

/// <summary>
/// How many pages each person has open in this process. An open page is memory for as long as its connection holds, and whoever has an account, or a
/// script that has his cookie, could open pages until none is left for agents.
/// </summary>
internal sealed class OpenPages
{
    /// <summary>The most of one person: more tabs than anybody has.</summary>
    public const int Most = 100;

    private readonly Dictionary<string, int> open = new(StringComparer.Ordinal);

    /// <summary>Counts one more, unless the person has as many as may be.</summary>
    public bool Enter(string person)
    {
        lock (open)
        {
            var now = open.GetValueOrDefault(person);
            if (now >= Most)
            {
                return false;
            }

            open[person] = now + 1;
            return true;
        }
    }

    /// <summary>One that was counted is closed.</summary>
    public void Leave(string person)
    {
        lock (open)
        {
            if (--open[person] is 0)
            {
                open.Remove(person);
            }
        }
    }

    /// <summary>One page: counted from when it connects until all that belongs to it is let go, however it ends.</summary>
    internal sealed class Page(OpenPages all, AuthenticationStateProvider who) : CircuitHandler, IDisposable
    {
        private string? person;

        /// <inheritdoc/>
        public override async Task OnCircuitOpenedAsync(Circuit circuit, CancellationToken cancellationToken)
        {
            var caller = (await who.GetAuthenticationStateAsync()).User.GetClaim(OpenIddictConstants.Claims.Subject) ?? string.Empty;
            person = all.Enter(caller) ? caller : throw new InvalidOperationException($"One person has {Most} pages open: no more is connected until one is closed.");
        }

        /// <inheritdoc/>
        public void Dispose()
        {
            if (person is not null)
            {
                all.Leave(person);
                person = null;
            }
        }
    }
}
