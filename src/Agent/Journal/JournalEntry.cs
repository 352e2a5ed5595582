using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using NannyOrleans.Agent.Linux;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Agent.Journal;

/// <summary><c>job.json</c>: the job as it came.</summary>
internal sealed record ReceivedJob([property: JsonConverter(typeof(ProtocolJob))] Job Job, DateTimeOffset ReceivedAt);

/// <summary><c>started</c>: written before anything runs, so what is not there was never run.</summary>
internal sealed record JobStart(DateTimeOffset At, string? BootId)
{
    /// <summary>The first process of what is to be restarted, as it was then; null for other jobs, and where it is not known.</summary>
    public FirstProcess? Process { get; init; }

    /// <summary>The kernel that the next boot was to bring; null for other jobs, and where it could not be told.</summary>
    public string? Kernel { get; init; }
}

/// <summary>A guest's or machine's first process: another one means that it was started anew.</summary>
internal sealed record FirstProcess(int Pid, long StartTime);

/// <summary><c>end.json</c>: how it ended, decided once.</summary>
internal sealed record JobEnd(JobOutcome Outcome, string? Detail, int? ExitCode, DateTimeOffset? StartedAt, DateTimeOffset CompletedAt)
{
    /// <summary>What is not as it was before, although the job itself is over; null when nothing is.</summary>
    public string? Warning { get; init; }
}

/// <summary><c>reported</c>: the server has stored the end.</summary>
internal sealed record JobReported(DateTimeOffset At);

/// <summary>One job's directory. Files appear in the order job, started, end, reported, each durable before the next; none changes.</summary>
internal sealed class JournalEntry(JobId id, string directory, TimeProvider clock)
{
    /// <summary>The job's id, the directory's name.</summary>
    public JobId Id => id;

    /// <summary>Whether the job was accepted. A directory without the file was never acknowledged to anybody.</summary>
    public bool Exists => File.Exists(At("job.json"));

    /// <summary>The job as it came.</summary>
    public ReceivedJob Received => Read("job.json", AgentJson.Default.ReceivedJob) ?? throw new FileNotFoundException($"{At("job.json")} is gone");

    /// <summary>Its start; null when it was never started.</summary>
    public JobStart? Started => Read("started", AgentJson.Default.JobStart);

    /// <summary>Its end; null while it has none.</summary>
    public JobEnd? End => Read("end.json", AgentJson.Default.JobEnd);

    /// <summary>When the server took the end; null while it has not. A damaged file says so all the same, and its own time says when.</summary>
    public JobReported? Reported
    {
        get
        {
            try
            {
                return Read("reported", AgentJson.Default.JobReported);
            }
            catch (JsonException)
            {
                return new(new DateTimeOffset(File.GetLastWriteTimeUtc(At("reported")), TimeSpan.Zero));
            }
        }
    }

    /// <summary>The program that carries it out.</summary>
    public DetachedRun Run { get; } = new(directory);

    /// <summary>
    /// Why nobody can tell how far the job is; null when its files say. A damaged file, or a job of a newer agent's kind, is never
    /// run and never run again.
    /// </summary>
    public string? Damage
    {
        get
        {
            try
            {
                if (End is not null)
                {
                    return null; // all that is ever asked of it again
                }

                _ = Started;
                return Received.Job?.Id == id ? null : "job.json is not this job's";
            }
            catch (Exception e) when (e is JsonException or NotSupportedException)
            {
                return e.Message;
            }
        }
    }

    /// <summary>How far it is; interrupted when nobody can tell.</summary>
    public JobOutcome Outcome =>
        Reported is not null ? JobOutcome.AlreadyReported
        : Damage is not null ? JobOutcome.Interrupted
        : End is { } end ? end.Outcome
        : Started is not null ? JobOutcome.Running
        : JobOutcome.Accepted;

    /// <summary>Puts the job on disk.</summary>
    public void Receive(Job job) => Write("job.json", new(job, clock.GetUtcNow()), AgentJson.Default.ReceivedJob);

    /// <summary>Asked for again by whoever waits before it begins: who asked for the job may have stopped waiting for it.</summary>
    /// <exception cref="TooLateException">The time by which it had to begin has come, by this host's clock.</exception>
    public void ThrowIfTooLate()
    {
        var now = clock.GetUtcNow();
        if (Received.Job.StartBy is { } by && now >= by)
        {
            throw new TooLateException(string.Create(CultureInfo.InvariantCulture, $"not started: it had to begin by {by:u}, and this host's clock says {now:u}"));
        }
    }

    /// <summary>Puts the start on disk; only then may anything run. Whatever begins a job comes through here, so none begins too late.</summary>
    /// <exception cref="TooLateException">It is too late: nothing was written and nothing may run.</exception>
    public JobStart Start(string? bootId, FirstProcess? process = null, string? kernel = null)
    {
        ThrowIfTooLate();
        var start = new JobStart(clock.GetUtcNow(), bootId) { Process = process, Kernel = kernel };
        Write("started", start, AgentJson.Default.JobStart);
        return start;
    }

    /// <summary>Puts the end on disk.</summary>
    public void Finish(JobOutcome outcome, string? detail, int? exitCode = null, DateTimeOffset? completedAt = null, string? warning = null) =>
        Write("end.json", new(outcome, detail, exitCode, Started?.At, completedAt ?? clock.GetUtcNow()) { Warning = warning }, AgentJson.Default.JobEnd);

    /// <summary>Remembers that the server has the end, then drops everything but what keeps the job from being started again.</summary>
    public void MarkReported()
    {
        Write("reported", new(clock.GetUtcNow()), AgentJson.Default.JobReported);
        foreach (var path in Directory.EnumerateFiles(directory).Where(path => Path.GetFileName(path) is not ("job.json" or "started" or "end.json" or "reported" or "in-vm")))
        {
            File.Delete(path);
        }
    }

    /// <summary>Whether a person wants the job ended.</summary>
    public bool IsCancelled => File.Exists(At("cancel"));

    /// <summary>Puts on disk that a person wants the job ended: it is, even if the agent ends now.</summary>
    public void Cancel() => DurableFile.Write(At("cancel"), []);

    /// <summary>Whether the guest was stopped before the job, and so is to be stopped after it.</summary>
    public bool WasStopped => File.Exists(At("was-stopped"));

    /// <summary>Puts on disk that the guest was stopped; only then is it started.</summary>
    public void NoteStopped() => DurableFile.Write(At("was-stopped"), []);

    /// <summary>Whether the job may have files in its VM.</summary>
    public bool IsInVm
    {
        get => File.Exists(At("in-vm"));
        set
        {
            if (value)
            {
                DurableFile.Write(At("in-vm"), []); // before anything is put there
            }
            else
            {
                File.Delete(At("in-vm")); // one that comes back after a power loss asks for nothing that could not be asked for twice
            }
        }
    }

    /// <summary>Forgets the job.</summary>
    public void Delete()
    {
        // Files are unlinked in any order, and one that has lost its end before its job would read as accepted: so first it is no job.
        var gone = directory + GoneSuffix;
        Directory.Move(directory, gone);
        DurableFile.SyncDirectory(Path.GetDirectoryName(directory)!);
        Directory.Delete(gone, recursive: true);
    }

    /// <summary>Ends the name of a directory that is being deleted: no job's id, so whatever is left of it is no job.</summary>
    public const string GoneSuffix = ".gone";

    private string At(string name) => Path.Combine(directory, name);

    private void Write<T>(string name, T value, JsonTypeInfo<T> type) => DurableFile.Write(At(name), JsonSerializer.SerializeToUtf8Bytes(value, type));

    private T? Read<T>(string name, JsonTypeInfo<T> type)
        where T : class
    {
        var path = At(name);
        return File.Exists(path) ? JsonSerializer.Deserialize(File.ReadAllBytes(path), type) ?? throw new JsonException($"{path} says null") : null;
    }
}

/// <summary>A job's time to begin is over: it ends as failed and never begins. The message says so in a person's words.</summary>
internal sealed class TooLateException(string message) : Exception(message);
