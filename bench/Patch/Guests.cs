using System.Globalization;

namespace NannyOrleans.Bench.Patch;

/// <summary>The lab's containers as each contender finds them, and whether it has done its work.</summary>
internal sealed class Guests(LabHost host, int most) : IDisposable
{
    private const int First = 100;
    private static readonly (string Name, string Version)[] Candidates = [("lab-db", "8.0.35"), ("lab-slow", "1.1"), ("lab-tls", "3.0.13"), ("lab-web", "1.24.0")];

    /// <summary>For the contenders' own files.</summary>
    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("nanny-bench-").FullName;

    public static int[] Ids(int count) => [.. Enumerable.Range(First, count)];

    /// <summary>All updates pending again, in containers just started.</summary>
    /// <param name="count">How many are going to be patched.</param>
    /// <param name="waits">Whether one package's configuration waits three seconds.</param>
    public async Task Reset(int count, bool waits)
    {
        await host.Reset();
        foreach (var id in Ids(most))
        {
            if (Status(id).Any())
            {
                throw new InvalidOperationException($"Container {id} is not as new.");
            }
        }

        if (waits)
        {
            await Shell.Run($"for id in {string.Join(' ', Ids(count))}; do lxc-attach -P \"$LXC\" -n $id -- sh -c 'echo 3 > /etc/lab-slow.seconds' || exit 1; done", host);
        }

        await Shell.Run("sync", host); // what the reset wrote is not the next contender's work
    }

    /// <summary>Every package has its new version, by dpkg's own files and not by what a contender says.</summary>
    public void MustBePatched(int count, string contender)
    {
        foreach (var id in Ids(count))
        {
            var has = Status(id).ToDictionary();
            if (Candidates.FirstOrDefault(wanted => has.GetValueOrDefault(wanted.Name) != wanted.Version) is { Name: { } name })
            {
                throw new InvalidOperationException($"{contender} left {name} of container {id} at {has.GetValueOrDefault(name) ?? "what it was"}.");
            }
        }
    }

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);

    // Of the container's own layer: without an upgrade there is none. Name and version of what is installed.
    private IEnumerable<KeyValuePair<string, string>> Status(int id)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"{host.LxcPath}/{id}/upper/var/lib/dpkg/status");
        foreach (var paragraph in File.Exists(path) ? File.ReadAllText(path).Split("\n\n") : [])
        {
            if (Field(paragraph, "Status") is "install ok installed" && Field(paragraph, "Package") is { } name && Field(paragraph, "Version") is { } version)
            {
                yield return new(name, version);
            }
        }
    }

    private static string? Field(string paragraph, string name) =>
        paragraph.Split('\n').FirstOrDefault(line => line.StartsWith($"{name}: ", StringComparison.Ordinal))?[(name.Length + 2)..];
}
