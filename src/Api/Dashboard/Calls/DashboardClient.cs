using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.Components.Endpoints;
using Microsoft.AspNetCore.Components.Web;
using NannyOrleans.Api.Accounts;
using NannyOrleans.Api.Dashboard.Live;
using NannyOrleans.Domain.Access;

namespace NannyOrleans.Api.Dashboard.Calls;

/// <summary>A page's client. What was read to draw a page the first time, before it is connected, is not read once more when it is: it comes along with the page.</summary>
internal sealed class DashboardClient : IDashboardClient, IDisposable
{
    private readonly ApiPipeline api;
    private readonly ChangeFeed feed;
    private readonly AuthenticationStateProvider who;
    private readonly NavigationManager navigation;
    private readonly PersistentComponentState state;
    private readonly bool isDrawn;
    private readonly Dictionary<string, ApiAnswer> read = new(StringComparer.Ordinal);
    private readonly PersistingComponentStateSubscription persisting;
    private readonly CancellationTokenSource left = new();
    private readonly CancellationToken gone;
    private readonly TimeProvider clock;
    private readonly string firstAddress;
    private bool isFirst = true;
    private (Task<ApiAnswer> Answer, long AskedAt)? session;

    public DashboardClient(
        ApiPipeline api, ChangeFeed feed, AuthenticationStateProvider who, NavigationManager navigation, PersistentComponentState state, IHttpContextAccessor current, TimeProvider clock)
    {
        (this.api, this.feed, this.who, this.navigation, this.state, this.clock) = (api, feed, who, navigation, state, clock);
        (gone, firstAddress) = (left.Token, navigation.Uri);

        // The first time a page is drawn, into the answer to a request for it. Asked now: whoever makes a request of his own, as each call does, has it forgotten.
        isDrawn = current.HttpContext?.GetEndpoint()?.Metadata.GetMetadata<ComponentTypeMetadata>() is not null;
        persisting = state.RegisterOnPersisting(Keep, RenderMode.InteractiveServer);
    }

    /// <inheritdoc/>
    public Task<ApiAnswer> Get(string path)
    {
        // The page, the menu and others ask at once who looks; what was brought along with the page is there for one of them alone.
        if (path is not Session)
        {
            return Ask(path);
        }

        if (session is not { } known || clock.GetElapsedTime(known.AskedAt) > Moment)
        {
            session = known = (Ask(path), clock.GetTimestamp());
        }

        return known.Answer;
    }

    /// <inheritdoc/>
    public Task<ApiAnswer> Send(HttpMethod method, string path, object? body = null) => Call(method, path, body);

    /// <inheritdoc/>
    public async Task<Rights> ReadRights()
    {
        if (await Get(Session) is not { IsOk: true } answer)
        {
            return Rights.None;
        }

        var session = answer.Read<SessionView>();
        return new([.. session.Roles.Select(role => Grant.TryParse(role.Cluster is null ? role.Role : $"{role.Role}@{role.Cluster}", out var grant) ? grant : null).OfType<Grant>()]);
    }

    /// <inheritdoc/>
    public bool CameAlong { get; private set; }

    /// <inheritdoc/>
    public FeedHealth Health => feed.Health;

    /// <inheritdoc/>
    public IDisposable Listen(IReadOnlyList<Topic> topics, Action news) => feed.Listen(_ => news(), [.. topics.Select(topic => topic.Change)]);

    /// <summary>Nothing goes on for a page that is left.</summary>
    public void Dispose()
    {
        left.Cancel();
        left.Dispose();
        persisting.Dispose();
    }

    private async Task<ApiAnswer> Ask(string path)
    {
        // Of the page that it came along with, and no other: what nobody has taken by then would be taken for the present however old it is.
        isFirst &= navigation.Uri == firstAddress;
        CameAlong &= isFirst;
        if (isFirst && state.TryTakeFromJson<ApiAnswer>(path, out var before) && before is not null)
        {
            CameAlong = true;
            return before;
        }

        var answer = await Call(HttpMethod.Get, path, body: null);
        if (isDrawn)
        {
            read[path] = answer;
        }

        return answer;
    }

    private async Task<ApiAnswer> Call(HttpMethod method, string path, object? body)
    {
        var person = (await who.GetAuthenticationStateAsync()).User;
        var answer = await api.Call(person, method, path, body, gone);
        if (answer is { Status: StatusCodes.Status401Unauthorized, Problem.Code: not (PasswordAnswer.WrongCredentials or PasswordAnswer.SecondFactorRequired) }) // those are of a password in the call
        {
            navigation.NavigateTo(SignInPage.AddressFor(navigation.ToBaseRelativePath(navigation.Uri)), forceLoad: true);
        }

        return answer;
    }

    // All of it comes back in one message of the browser's, which is bounded (see DashboardSetup), and takes almost twice its bytes there.
    private Task Keep()
    {
        var room = MostKept;
        foreach (var (path, answer) in read)
        {
            if (answer.Body.Length <= room)
            {
                room -= answer.Body.Length;
                state.PersistAsJson(path, answer);
            }
        }

        return Task.CompletedTask;
    }

    /// <summary>Bytes that come along with a page; what does not fit is read once more.</summary>
    public const int MostKept = 128 * 1024;

    private const string Session = "/api/session";
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(1);
}
