using NannyOrleans.Lab.Linux;
using NannyOrleans.Lab.Verbs;

namespace NannyOrleans.Lab.Commands;

/// <summary>What goes on after the command that asked for it has ended.</summary>
internal static class Background
{
    /// <summary>Does it, and says what went wrong in the lab's <c>state/background.log</c>.</summary>
    public static Answer Run(LabHost host, IReadOnlyList<string> words)
    {
        var verbs = new LabVerbs(host.Directory, text => Native.Write(2, $"{host.Name}: {text}\n"));
        switch (words)
        {
            case ["reboot", var bootId]:
                verbs.Reboot(host.Name, bootId);
                return new Answer.Ends(0);
            case ["fence", var bootId]:
                verbs.Fence(host.Name, bootId);
                return new Answer.Ends(0);
            case ["ha", ..]:
                return new HaWork(host).Run([.. words.Skip(1)]);
            default:
                throw new InvalidOperationException(string.Join(' ', words));
        }
    }
}
