using System.Net;
using Microsoft.AspNetCore.Connections;

namespace NannyOrleans.Api.Http;

/// <summary>
/// How many connections that are no agents' one address may hold: half of all there are. Who opens connections and says nothing, or little and slowly,
/// shuts himself out and nobody else. Proxies that are trusted, and this machine, stand for many and are not counted: theirs is to count for us.
/// </summary>
/// <param name="most">How many; null: as many as come.</param>
/// <param name="proxies">Who is not counted.</param>
internal sealed class ConnectionPlaces(long? most, IReadOnlyList<System.Net.IPNetwork> proxies)
{
    private readonly Dictionary<string, int> taken = new(StringComparer.Ordinal);

    /// <summary>Serves a connection, or closes it without a word: to say one would need a place.</summary>
    public async Task LetIn(ConnectionContext connection, ConnectionDelegate next)
    {
        if (most is not { } limit || (connection.RemoteEndPoint as IPEndPoint)?.Address is not { } address || IsProxy(address))
        {
            await next(connection);
            return;
        }

        using var place = Take(ClientAddress.Of(address), limit);
        if (place is not null)
        {
            connection.Features.Set(place);
            await next(connection);
        }
    }

    /// <summary>How many addresses have one.</summary>
    internal int Addresses
    {
        get
        {
            lock (taken)
            {
                return taken.Count;
            }
        }
    }

    private bool IsProxy(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return IPAddress.IsLoopback(plain) || proxies.Any(proxy => proxy.Contains(plain));
    }

    private Place? Take(string address, long limit)
    {
        lock (taken)
        {
            var now = taken.GetValueOrDefault(address);
            if (now >= limit)
            {
                return null;
            }

            taken[address] = now + 1;
            return new(this, address);
        }
    }

    /// <summary>A connection's place.</summary>
    internal sealed class Place(ConnectionPlaces all, string address) : IDisposable
    {
        private bool left;

        /// <summary>Leaves it, once: at the connection's end, or when it has become an agent's, which is counted elsewhere.</summary>
        public void Dispose()
        {
            lock (all.taken)
            {
                if (!left)
                {
                    left = true;
                    all.taken[address]--;
                    if (all.taken[address] is 0)
                    {
                        all.taken.Remove(address); // the table has no more entries than there are connections
                    }
                }
            }
        }
    }
}
