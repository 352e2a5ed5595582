using NannyOrleans.Lab.Commands;
using NannyOrleans.Lab.Hosts;
using NannyOrleans.Lab.Linux;

namespace NannyOrleans.Lab.Verbs;

/// <summary>
/// The one process of a lab that stays: it does what takes time. All that is due stands in the lab's files, so that one that was
/// killed and started anew goes on where it was.
/// </summary>
internal sealed class LabDaemon(LabDirectory directory)
{
    /// <summary>What makes this program the daemon.</summary>
    public const string Word = "@daemon";

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(200);

    /// <summary>Starts the lab's daemon unless it runs.</summary>
    public static void Ensure(LabDirectory directory, LabPlan plan)
    {
        if (RunningProcess.Read(directory.DaemonFile) is null) { HostRoot.Detach(directory, plan.Hosts[0].Name, Word); }
    }

    /// <summary>Whether a command line is that of this lab's daemon, or of a host's reboot under way.</summary>
    public static bool IsOf(LabDirectory directory, string[] words) =>
        words.Contains(PveCommand.Marker) && words.Contains(directory.Path) && (words.Contains(Word) || words.Contains("@background"));

    /// <summary>Works until the lab has gone; at once back when another daemon of the lab is there.</summary>
    public void Run()
    {
        using var only = LockFile.Take(directory.DaemonLock, TimeSpan.Zero);
        if (only is null) { return; }
        RunningProcess.Write(directory.DaemonFile, Environment.ProcessId);
        var verbs = new LabVerbs(directory, Say);
        var rounds = new HaRounds(directory, Say);
        while (directory.IsLab)
        {
            var look = Look;
            try
            {
                var plan = directory.ReadPlan();
                if (directory.ReadHosts(plan).Any(h => h.IsDueBack(DateTimeOffset.UtcNow))) { verbs.BringBack(); }
                if (plan.IsClustered) { rounds.Turn(plan); }
                look = plan.IsClustered && plan.HaRound < Look ? plan.HaRound : Look;
            }
            catch (Exception e)
            {
                // Whatever a test wrote into the lab's files: nobody would start another daemon.
                Say(e is LabFailure or IOException or UnauthorizedAccessException ? e.Message : $"{e}");
            }

            Thread.Sleep(look);
        }
    }

    /// <summary>Into <c>state/background.log</c>, where its errors go.</summary>
    private static void Say(string text) => Native.Write(2, $"daemon: {text}\n");
}
