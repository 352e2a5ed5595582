using NannyOrleans.Agent.Journal;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Jobs;

/// <summary>Carries out one kind of job. Called again after a restart of the agent, it goes on where the journal says the job is.</summary>
/// <typeparam name="TJob">The kind.</typeparam>
internal interface IJobHandler<in TJob>
    where TJob : Job
{
    /// <summary>Brings the job to its end and puts the end into the journal; whatever it throws is tried again.</summary>
    /// <param name="job">The job.</param>
    /// <param name="entry">Its journal entry, without an end.</param>
    /// <param name="progress">What is to be said of it meanwhile, and whether it is still wanted.</param>
    /// <param name="stopping">Stops watching, since the agent ends; the job itself goes on.</param>
    Task Run(TJob job, JournalEntry entry, JobProgress progress, CancellationToken stopping);
}
