using System.Collections.Concurrent;
using System.Diagnostics;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.History;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Protocol.Ids;
using Orleans.Storage;

namespace NannyOrleans.Bench.Dispatch;

/// <summary>
/// The server's own program, all of it, with three services exchanged before it is put together: what grains, operations and the audit log
/// store stays in memory. Nothing in the product can be told to do that.
/// </summary>
internal static class MemoryServer
{
    public const string Verb = "serve-memory";

    public static int Run()
    {
        using var listening = DiagnosticListener.AllListeners.Subscribe(new Seen<DiagnosticListener>(listener =>
        {
            if (listener.Name is "Microsoft.Extensions.Hosting")
            {
                listener.Subscribe(new Seen<KeyValuePair<string, object?>>(what =>
                {
                    if (what is { Key: "HostBuilding", Value: IHostBuilder builder })
                    {
                        builder.ConfigureServices(Exchange);
                    }
                }));
            }
        }));
        return (int)Assembly.Load("nanny-api").EntryPoint!.Invoke(null, [Array.Empty<string>()])!;
    }

    private static void Exchange(IServiceCollection services)
    {
        if (services.All(service => service.ServiceType != typeof(IOperationHistory)))
        {
            throw new InvalidOperationException("The server does not store operations where this knows of it.");
        }

        services.RemoveAllKeyed<IGrainStorage>("Default");
        services.AddKeyedSingleton<IGrainStorage, Grains>("Default");
        services.Replace(ServiceDescriptor.Singleton<IOperationHistory, History>());
        services.Replace(ServiceDescriptor.Singleton<IAuditLog, Audit>());
    }

    private sealed class Grains : IGrainStorage, ILifecycleParticipant<ISiloLifecycle>
    {
        private readonly ConcurrentDictionary<(string, GrainId), object?> stored = [];

        public Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            if (stored.TryGetValue((stateName, grainId), out var state))
            {
                (grainState.State, grainState.RecordExists, grainState.ETag) = ((T)state!, true, "1");
            }

            return Task.CompletedTask;
        }

        public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            stored[(stateName, grainId)] = grainState.State;
            (grainState.RecordExists, grainState.ETag) = (true, "1");
            return Task.CompletedTask;
        }

        public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
        {
            stored.TryRemove((stateName, grainId), out _);
            (grainState.RecordExists, grainState.ETag) = (false, null);
            return Task.CompletedTask;
        }

        // The silo takes what stands in this place for one that wants to be told of its start.
        public void Participate(ISiloLifecycle observer)
        {
        }
    }

    private sealed class History : IOperationHistory
    {
        private readonly ConcurrentDictionary<string, (OperationRecord Operation, OperationOutput? Output)> stored = [];

        public Task<bool> Begin(OperationRecord operation) => Task.FromResult(stored.TryAdd(operation.Id.Value, (operation, null)));

        public Task Keep(OperationRecord operation) => Add(operation, null!, string.Empty);

        public Task Add(OperationRecord operation, OperationOutput output, string reporter)
        {
            stored[operation.Id.Value] = (operation, output);
            return Task.CompletedTask;
        }

        public Task Amend(OperationRecord operation, string reporter) => throw new NotSupportedException("Nothing ends late while dispatching is measured.");

        public Task<OperationRecord?> Find(string id) => Task.FromResult(stored.TryGetValue(id, out var found) ? found.Operation : null);

        public Task<OperationOutput?> FindOutput(string id) => Task.FromResult(stored.TryGetValue(id, out var found) ? found.Output : null);

        public Task<IReadOnlyDictionary<string, OperationStatus>> StatusesOf(JobId batch) => throw new NotSupportedException("There are no batches while dispatching is measured.");

        public Task<OperationPage> List(OperationQuery query) => throw new NotSupportedException("Nobody lists operations while dispatching is measured.");
    }

    private sealed class Audit : IAuditLog
    {
        private readonly ConcurrentQueue<AuditEntry> entries = [];

        public Task Add(AuditEntry entry)
        {
            entries.Enqueue(entry);
            return Task.CompletedTask;
        }

        public Task<IReadOnlyList<AuditRecord>> Find(AuditQuery query) => throw new NotSupportedException("Nobody reads the audit log while dispatching is measured.");

        public Task<AuditSpan> SpanOf(DateTimeOffset? from, DateTimeOffset? to) => throw new NotSupportedException("Nobody reads the audit log while dispatching is measured.");
    }

    private sealed class Seen<T>(Action<T> take) : IObserver<T>
    {
        public void OnNext(T value) => take(value);

        public void OnCompleted()
        {
        }

        public void OnError(Exception error)
        {
        }
    }
}
