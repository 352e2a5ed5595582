using System.Runtime.InteropServices;
using NannyOrleans.Agent.Commands;

using var stopping = new CancellationTokenSource();
using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
return await AgentCommands.Run(args, Environment.GetEnvironmentVariable("PATH") ?? string.Empty, Console.Out, Console.Error, stopping.Token);

void Stop(PosixSignalContext signal)
{
    signal.Cancel = true; // the process ends by itself, with its own exit code
    stopping.Cancel();
}
