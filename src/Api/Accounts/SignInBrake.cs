namespace NannyOrleans.Api.Accounts;

/// <summary>
/// How fast passwords can be guessed. What counts is a wrong password for an account from an address: five at once and one a minute then. So whoever guesses
/// at an administrator's password shuts himself out and not the administrator, which a lock on the account would. Behind it are two slower brakes: an address
/// may be wrong thirty times at once and six times a minute for all accounts together, and an account thirty times at once and ten times a minute from all
/// addresses together that it was never used from. Addresses it was used from before do not take part in the last two: from there its owner gets in while
/// a million others try. A right password costs nothing.
/// </summary>
/// <remarks>In this process' memory, of fixed size. With several Apis a guesser has as many times the tries; after a restart he begins anew.</remarks>
internal sealed class SignInBrake
{
    private readonly Meter pairs = new(5, TimeSpan.FromMinutes(1));
    private readonly Meter addresses = new(30, TimeSpan.FromSeconds(10));
    private readonly Meter accounts = new(30, TimeSpan.FromSeconds(6));

    /// <summary>Takes a try for an account from an address: before anything is looked up, and before anybody looks at a password.</summary>
    /// <param name="account">As typed. Whether there is such an account makes no difference, or it could be asked here.</param>
    /// <param name="address">Where from.</param>
    /// <param name="now">When.</param>
    /// <returns>Null, or how long until there is another try; none was taken then.</returns>
    public TimeSpan? Take(string account, string address, DateTimeOffset now) => pairs.Take(Pair(account, address), now);

    /// <summary>The rest of a try, from an address that the account was never used from.</summary>
    /// <returns>Null, or how long until there is another try; what <see cref="Take"/> took is given back then.</returns>
    public TimeSpan? TakeAsStranger(string account, string address, DateTimeOffset now)
    {
        var wait = addresses.Take(Address(address), now);
        if (wait is null && (wait = accounts.Take(Whole(account), now)) is not null)
        {
            addresses.GiveBack(Address(address));
        }

        if (wait is not null)
        {
            pairs.GiveBack(Pair(account, address));
        }

        return wait;
    }

    /// <summary>What <see cref="Take"/> would say, and what <see cref="TakeAsStranger"/> would; nothing is taken.</summary>
    public (TimeSpan? Wait, TimeSpan? AsStranger) Look(string account, string address, DateTimeOffset now) =>
        (pairs.Look(Pair(account, address), now), addresses.Look(Address(address), now) ?? accounts.Look(Whole(account), now));

    /// <summary>Nobody looked at the password after all: the try is as if it had not been.</summary>
    public void GiveBack(string account, string address, bool asStranger)
    {
        pairs.GiveBack(Pair(account, address));
        if (asStranger)
        {
            addresses.GiveBack(Address(address));
            accounts.GiveBack(Whole(account));
        }
    }

    /// <summary>The password was right: the same, and the wrong ones before it from there are forgiven.</summary>
    public void Succeed(string account, string address, bool asStranger)
    {
        GiveBack(account, address, asStranger);
        pairs.Clear(Pair(account, address));
    }

    private static int Pair(string account, string address) => HashCode.Combine(Whole(account), Address(address));

    private static int Whole(string account) => account.Trim().GetHashCode(StringComparison.OrdinalIgnoreCase);

    private static int Address(string address) => address.GetHashCode(StringComparison.Ordinal);

    /// <summary>
    /// Leaky buckets in a table that does not grow: for each the instant at which it will have run dry. Who has which is a hash that is another one in each
    /// process, so nobody can choose whose he shares.
    /// </summary>
    private sealed class Meter(int atOnce, TimeSpan each)
    {
        private readonly long[] dryAt = new long[64 * 1024];

        public TimeSpan? Take(int who, DateTimeOffset now)
        {
            ref var slot = ref dryAt[who & (dryAt.Length - 1)];
            while (true)
            {
                var seen = Volatile.Read(ref slot);
                if (Over(seen, now) is { } over)
                {
                    return over;
                }

                if (Interlocked.CompareExchange(ref slot, Math.Max(seen, now.UtcTicks) + each.Ticks, seen) == seen)
                {
                    return null;
                }
            }
        }

        public TimeSpan? Look(int who, DateTimeOffset now) => Over(Volatile.Read(ref dryAt[who & (dryAt.Length - 1)]), now);

        public void GiveBack(int who) => Interlocked.Add(ref dryAt[who & (dryAt.Length - 1)], -each.Ticks);

        public void Clear(int who) => Interlocked.Exchange(ref dryAt[who & (dryAt.Length - 1)], 0);

        // How long until one more fits.
        private TimeSpan? Over(long seen, DateTimeOffset now) =>
            Math.Max(seen - now.UtcTicks, 0) + each.Ticks - (atOnce * each.Ticks) is > 0 and var over ? TimeSpan.FromTicks(over) : null;
    }
}
