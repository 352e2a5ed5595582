using System.Globalization;
using System.Text.Json;
using NannyOrleans.Agent.Diagnoses;
using NannyOrleans.Agent.Journal;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Protocol;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Jobs;

/// <summary>Examines a guest or the machine. Nothing is changed by it, so after a restart of the agent it is simply done again.</summary>
internal sealed class DiagnoseHandler(Host host, Doctor doctor, TimeProvider clock) : IJobHandler<Diagnose>
{
    /// <inheritdoc/>
    public async Task Run(Diagnose job, JournalEntry entry, JobProgress progress, CancellationToken stopping)
    {
        if (Refusal(job) is { } refusal)
        {
            entry.Finish(JobOutcome.Failed, refusal);
            return;
        }

        if (entry.Started is null)
        {
            entry.Start(host.BootId());
        }

        progress.Running();
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(job.TimeoutSeconds), clock);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stopping, progress.Cancelled, deadline.Token);
        try
        {
            var (diagnosis, problem) = await Examine(job, ended.Token);
            if (diagnosis is null)
            {
                entry.Finish(JobOutcome.Failed, problem);
                return;
            }

            // Where a program's output would be: reports take it from there.
            DurableFile.Write(entry.Run.StandardOutput, JsonSerializer.SerializeToUtf8Bytes(diagnosis, ProtocolJson.Default.Diagnosis));
            entry.Finish(JobOutcome.Succeeded, null);
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested && progress.Cancelled.IsCancellationRequested)
        {
            entry.Finish(JobOutcome.Cancelled, "cancelled while it looked; nothing was changed");
        }
        catch (OperationCanceledException) when (!stopping.IsCancellationRequested && deadline.IsCancellationRequested)
        {
            entry.Finish(JobOutcome.Failed, $"timeout: the checks took longer than {job.TimeoutSeconds.ToString(CultureInfo.InvariantCulture)} s");
        }
    }

    private async Task<(Diagnosis? Diagnosis, string? Problem)> Examine(Diagnose job, CancellationToken cancellationToken)
    {
        try
        {
            return (await doctor.Examine(job.Vmid, job.ExpectedFamily, cancellationToken), null);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Whatever a guest's answer does to a reader: it must not be asked again every half minute for ever.
            return (null, $"the checks could not be made: {PlainText.Of(e.Message)}");
        }
    }

    private static string? Refusal(Diagnose job) => job switch
    {
        { Vmid.Value: < Vmid.Smallest or > Vmid.Largest } => $"{job.Vmid} is not a vmid",
        { TimeoutSeconds: < 1 or > 86400 } => $"a timeout of {job.TimeoutSeconds.ToString(CultureInfo.InvariantCulture)} s is not from 1 to 86400",
        _ => null,
    };
}
