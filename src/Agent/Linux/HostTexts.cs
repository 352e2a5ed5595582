using System.Text;

namespace NannyOrleans.Agent.Linux;

/// <summary>Small text files below the host's root that never hang: the kernel's and the distribution's. Not for use from two places at once.</summary>
internal sealed class HostTexts(Host host)
{
    private readonly FileBytes file = new(4 * 1024 * 1024);

    /// <summary>The file's text, invalid UTF-8 replaced; null when there is none, or when it cannot be read, which is then one of the problems.</summary>
    public string? Read(string path, List<string> problems)
    {
        var full = host.At(path);
        switch (file.Read(full))
        {
            case 0:
                return Encoding.UTF8.GetString(file.Content);
            case FileBytes.NotThere:
                return null;
            case var error:
                problems.Add(FileBytes.Problem(full, error));
                return null;
        }
    }

    /// <summary>The first line of a file that holds one value; null when there is none, or it is empty.</summary>
    public string? Value(string path, List<string> problems) =>
        Read(path, problems) is { } text && text.AsSpan().TrimStart() is { Length: > 0 } some
            ? PlainText.Of(some[..(some.IndexOf('\n') is >= 0 and var end ? end : some.Length)].Trim().ToString(), 200)
            : null;
}
