namespace NannyOrleans.Domain.Tests.Campaigns.Exploring;

/// <summary>Every world that can come of a first one, nearest first.</summary>
internal sealed class Exploration
{
    private readonly Dictionary<string, (int From, string Name)> known = [];
    private readonly List<string> keys = [];
    private readonly List<List<int>> calmPredecessors = [];
    private readonly List<bool> over = [];

    /// <summary>How many worlds there are.</summary>
    public int Count => keys.Count;

    /// <summary>Visits all of them; a broken law is thrown with the shortest way that leads to it.</summary>
    public static Exploration Of(Model model)
    {
        var all = new Exploration();
        all.Run(World.Begin(model));
        return all;
    }

    /// <summary>
    /// How many worlds have no way to an end, were nothing more to go wrong in them. (Whether it is taken is a matter of time alone: each way is one
    /// of reports, answers, looks and what a person may do.)
    /// </summary>
    public int Endless()
    {
        var ends = new bool[Count];
        var queue = new Queue<int>(Enumerable.Range(0, Count).Where(world => over[world]));
        foreach (var world in queue)
        {
            ends[world] = true;
        }

        while (queue.TryDequeue(out var world))
        {
            foreach (var before in calmPredecessors[world].Where(before => !ends[before]))
            {
                ends[before] = true;
                queue.Enqueue(before);
            }
        }

        return ends.Count(end => !end);
    }

    private void Run(World first)
    {
        var queue = new Queue<(int Number, World World)>();
        queue.Enqueue((Number(first.Key(), -1, "begins", first), first));
        while (queue.TryDequeue(out var entry))
        {
            var (number, world) = entry;
            foreach (var (name, isFault, next) in world.Next())
            {
                var following = Try(number, name, next);
                var key = following.Key();
                if (!known.TryGetValue(key, out _))
                {
                    queue.Enqueue((Number(key, number, name, following), following));
                }

                if (!isFault)
                {
                    calmPredecessors[numbers[key]].Add(number);
                }
            }
        }
    }

    private readonly Dictionary<string, int> numbers = [];

    private int Number(string key, int from, string name, World world)
    {
        known[key] = (from, name);
        numbers[key] = keys.Count;
        keys.Add(key);
        calmPredecessors.Add([]);
        over.Add(world.Campaign.IsOver);
        return keys.Count - 1;
    }

    private World Try(int number, string last, Func<World> step)
    {
        try
        {
            var following = step();
            Laws.Hold(following);
            return following;
        }
        catch (BrokenLaw broken)
        {
            var way = new List<string>();
            for (var at = number; at >= 0; at = known[keys[at]].From)
            {
                way.Add(known[keys[at]].Name);
            }

            way.Reverse();
            throw new BrokenLaw($"{broken.Message} The shortest way there, {way.Count + 1} steps: {string.Join("; ", way.Append(last))}.");
        }
    }
}
