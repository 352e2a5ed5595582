using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.HtmlRendering.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using MudBlazor.Services;
using NannyOrleans.Api.Dashboard.Calls;
using NannyOrleans.Api.Dashboard.Live;
using NannyOrleans.Api.Dashboard.Shell;
using NannyOrleans.Domain.Access;

#pragma warning disable BL0006 // a renderer's insides may change with a release of the framework; then this does not compile, and nothing else is wrong

namespace NannyOrleans.Api.Tests.Dashboard;

/// <summary>Draws components as a connected page does, without a browser, and keeps what they throw where nobody waits for it.</summary>
internal sealed class DrawnPages : StaticHtmlRenderer
{
    private readonly ServiceProvider services;

    private DrawnPages(ServiceProvider services)
        : base(services, NullLoggerFactory.Instance) => this.services = services;

    public List<Exception> Thrown { get; } = [];

    public static DrawnPages With(IDashboardClient client, TimeProvider? clock = null) => new(new ServiceCollection()
        .AddSingleton(client).AddSingleton(clock ?? TimeProvider.System).AddSingleton<Pace>().AddSingleton<NavigationManager>(new NoBrowser()).AddLogging().AddMudServices().BuildServiceProvider());

    protected override RendererInfo RendererInfo { get; } = new("Server", isInteractive: true);

    /// <summary>Draws one and waits until it has read all that it reads.</summary>
    public Task Draw<T>(IReadOnlyDictionary<string, object?>? parameters = null)
        where T : IComponent => Dispatcher.InvokeAsync(async () =>
        {
            await BeginRenderingComponent(typeof(T), ParameterView.FromDictionary(parameters?.ToDictionary() ?? [])).QuiescenceTask;
        });

    protected override void HandleException(Exception exception) => Thrown.Add(exception);

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        services.Dispose();
    }

    private sealed class NoBrowser : NavigationManager
    {
        public NoBrowser() => Initialize("http://localhost/", "http://localhost/");
    }
}

/// <summary>A client that answers what a test says and tells news when a test does.</summary>
internal sealed class SaidClient(Func<string, ApiAnswer> answer) : IDashboardClient
{
    private readonly List<Action> listeners = [];

    public List<string> Asked { get; } = [];

    public bool CameAlong { get; init; }

    public FeedHealth Health => new(IsLive: true, default);

    public Task<ApiAnswer> Get(string path)
    {
        Asked.Add(path);
        return Task.FromResult(answer(path));
    }

    public Task<ApiAnswer> Send(HttpMethod method, string path, object? body = null) => Get(path);

    public Task<Rights> ReadRights() => Task.FromResult(Rights.None);

    public IDisposable Listen(IReadOnlyList<Topic> topics, Action news)
    {
        listeners.Add(news);
        return new Listening(() => listeners.Remove(news));
    }

    public void TellNews() => listeners.ToList().ForEach(news => news());

    public int Listeners => listeners.Count;

    private sealed class Listening(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}

/// <summary>A clock that stands still until a test moves it on.</summary>
internal sealed class StandingClock : TimeProvider
{
    private readonly List<Alarm> alarms = [];
    private long now;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => now;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var alarm = new Alarm(this, now + dueTime.Ticks, () => callback(state));
        alarms.Add(alarm);
        return alarm;
    }

    public void MoveOn(TimeSpan by)
    {
        now += by.Ticks;
        foreach (var due in alarms.Where(alarm => alarm.At <= now).ToList())
        {
            alarms.Remove(due);
            due.Ring();
        }
    }

    private sealed record Alarm(StandingClock Clock, long At, Action Ring) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => throw new NotSupportedException();

        public void Dispose() => Clock.alarms.Remove(this);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
