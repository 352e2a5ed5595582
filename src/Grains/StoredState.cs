using NannyOrleans.Grains.Changes;

namespace NannyOrleans.Grains;

/// <summary>How every grain here stores: the state is replaced whole, never edited in place.</summary>
internal static class StoredState
{
    /// <summary>
    /// Stores <paramref name="next"/>; does nothing when it is the state already. A failed write may have landed or not: the activation ends,
    /// and the next one reads which. One that certainly has not leaves all as it was.
    /// </summary>
    public static async Task Replace<T>(this IPersistentState<T> stored, T next, IGrainBase grain)
        where T : class
    {
        if (ReferenceEquals(stored.State, next))
        {
            return;
        }

        var before = stored.State;
        stored.State = next;
        try
        {
            await stored.WriteStateAsync();
        }
        catch (NotStoredException)
        {
            stored.State = before;
            throw;
        }
        catch
        {
            grain.DeactivateOnIdle();
            throw;
        }
    }

    /// <summary>As above, and says that it is so; also after a failure, which may have landed.</summary>
    public static async Task Replace<T>(this IPersistentState<T> stored, T next, IGrainBase grain, Announcer changes, Change change)
        where T : class
    {
        if (ReferenceEquals(stored.State, next))
        {
            return;
        }

        try
        {
            await stored.Replace(next, grain);
        }
        finally
        {
            changes.Say(change);
        }
    }
}
