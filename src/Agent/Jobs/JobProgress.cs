using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Jobs;

/// <summary>What a handler says of a job on its way, and hears of it.</summary>
/// <param name="Running">To be called once it runs.</param>
/// <param name="WaitsFor">To be called when what it waits for changes, in a person's words.</param>
/// <param name="Output">To be called with pieces of what it prints, for whoever watches.</param>
/// <param name="Cancelled">Cancelled when a person wants it ended. A handler that has ended the work finishes the job as cancelled.</param>
internal sealed record JobProgress(Action Running, Action<string> WaitsFor, Action<JobOutput> Output, CancellationToken Cancelled);
