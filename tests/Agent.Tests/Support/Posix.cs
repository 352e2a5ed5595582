using System.Diagnostics;
using System.Globalization;

namespace NannyOrleans.Agent.Tests.Support;

public static class Posix
{
    /// <summary>A named pipe: a script waits on it without sleeping, and the test says when it goes on.</summary>
    public static void MakePipe(string path) => Run("mkfifo", path);

    /// <summary>kill -9 of a whole process group.</summary>
    public static void KillGroup(int leader) => Run("kill", "-9", "--", $"-{leader.ToString(CultureInfo.InvariantCulture)}");

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
