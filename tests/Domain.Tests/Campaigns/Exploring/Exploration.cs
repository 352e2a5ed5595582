using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace NannyOrleans.Domain.Tests.Campaigns.Exploring;

/// <summary>
/// Every world that can come of a first one, nearest first. A world is known again by 128 bits of its key's SHA-256: of a hundred million, two
/// different ones are taken for one with a chance of 10^-23. What else is kept of a world that was visited is how it was first come to, and where the
/// calm steps from it lead.
/// </summary>
internal sealed class Exploration
{
    // Worlds whose steps are taken at the same time; then they are numbered in the order in which one after the other would have been.
    private const int AtOnce = 1024;

    private readonly Dictionary<UInt128, int> numbers = [];
    private readonly List<(int From, int Name)> ways = [];
    private readonly List<bool> over = [];
    private readonly Dictionary<string, int> names = [];
    private readonly List<int> calm = [];
    private readonly List<int> calmEnds = [];
    private readonly HashSet<UInt128> lesser = [];
    private bool whole;

    /// <summary>How many worlds there are.</summary>
    public int Count => ways.Count;

    /// <summary>How many are left of them when what no step reads again is not looked at, as <see cref="World.Key"/> has it; 0 when it never was.</summary>
    public int Lesser => lesser.Count;

    /// <summary>How many of them are the end of a campaign.</summary>
    public int Ends => over.Count(end => end);

    /// <summary>How many different steps lead from one to another.</summary>
    public int Steps { get; private set; }

    /// <summary>Visits all of them; a broken law is thrown with the shortest way that leads to it.</summary>
    /// <param name="model">What the first one is made of.</param>
    /// <param name="whole">Whether worlds that differ in what no step reads again are told apart.</param>
    /// <param name="goesOn">Told, now and then, how many are known and how many of these are to be visited yet; what it throws ends the exploration.</param>
    public static Exploration Of(Model model, bool whole = false, Action<int, int>? goesOn = null)
    {
        var all = new Exploration { whole = whole };
        all.Run(World.Begin(model), goesOn);
        return all;
    }

    /// <summary>
    /// How many worlds have no way to an end, were nothing more to go wrong in them. (Whether it is taken is a matter of time alone: each way is one
    /// of reports, answers, looks and what a person may do.)
    /// </summary>
    public int Endless()
    {
        var (starts, before) = Backwards();
        var ends = over.ToArray();
        var queue = new Queue<int>(Enumerable.Range(0, Count).Where(world => ends[world]));
        while (queue.TryDequeue(out var world))
        {
            for (var at = starts[world]; at < starts[world + 1]; at++)
            {
                if (!ends[before[at]])
                {
                    ends[before[at]] = true;
                    queue.Enqueue(before[at]);
                }
            }
        }

        return ends.Count(end => !end);
    }

    // The calm steps the other way round: those that lead to a world are at starts[world] up to starts[world + 1].
    private (int[] Starts, int[] Before) Backwards()
    {
        var starts = new int[Count + 1];
        foreach (var to in calm)
        {
            starts[to + 1]++;
        }

        for (var world = 0; world < Count; world++)
        {
            starts[world + 1] += starts[world];
        }

        var (next, before) = (starts.ToArray(), new int[calm.Count]);
        for (var (world, at) = (0, 0); world < Count; world++)
        {
            for (; at < calmEnds[world]; at++)
            {
                before[next[calm[at]]++] = world;
            }
        }

        return (starts, before);
    }

    private void Run(World first, Action<int, int>? goesOn)
    {
        var queue = new Queue<World>();
        queue.Enqueue(first);
        Add(Hash(first, whole), -1, "begins", first);
        for (var number = 0; queue.Count > 0;)
        {
            var worlds = Enumerable.Range(0, Math.Min(AtOnce, queue.Count)).Select(_ => queue.Dequeue()).ToArray();
            var followings = new List<Following>[worlds.Length];
            Parallel.For(0, worlds.Length, each => followings[each] = Follow(worlds[each]));
            foreach (var following in followings)
            {
                Take(number++, following, queue);
            }

            goesOn?.Invoke(Count, queue.Count);
        }
    }

    private List<Following> Follow(World world)
    {
        var following = new List<Following>();
        foreach (var (name, isFault, step) in world.Next())
        {
            try
            {
                var next = step();
                Laws.Hold(next);
                var hash = Hash(next, whole);
                following.Add(new(name, isFault, hash, numbers.ContainsKey(hash) ? null : next, null));
            }
            catch (BrokenLaw broken)
            {
                following.Add(new(name, isFault, default, null, broken));
            }
        }

        return following;
    }

    private void Take(int number, List<Following> followings, Queue<World> queue)
    {
        foreach (var following in followings)
        {
            if (following.Broken is { } broken)
            {
                throw Way(number, following.Name, broken);
            }

            if (!numbers.TryGetValue(following.Hash, out var to))
            {
                to = Add(following.Hash, number, following.Name, following.World!);
                queue.Enqueue(following.World!);
            }

            if (to != number)
            {
                Steps++;
                if (!following.IsFault)
                {
                    calm.Add(to);
                }
            }
        }

        calmEnds.Add(calm.Count);
    }

    private int Add(UInt128 hash, int from, string name, World world)
    {
        if (!names.TryGetValue(name, out var known))
        {
            names[name] = known = names.Count;
        }

        var number = Count;
        numbers[hash] = number;
        ways.Add((from, known));
        over.Add(world.Campaign.IsOver);
        if (whole)
        {
            lesser.Add(Hash(world, whole: false));
        }

        return number;
    }

    private BrokenLaw Way(int number, string last, BrokenLaw broken)
    {
        var (said, way) = (names.ToDictionary(name => name.Value, name => name.Key), new List<string> { last });
        for (var at = number; at >= 0; at = ways[at].From)
        {
            way.Add(said[ways[at].Name]);
        }

        way.Reverse();
        return new($"{broken.Message} The shortest way there, {way.Count} steps: {string.Join("; ", way)}.");
    }

    private static UInt128 Hash(World world, bool whole)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(MemoryMarshal.AsBytes(world.Key(whole).AsSpan()), hash);
        return MemoryMarshal.Read<UInt128>(hash);
    }

    private sealed record Following(string Name, bool IsFault, UInt128 Hash, World? World, BrokenLaw? Broken);
}
