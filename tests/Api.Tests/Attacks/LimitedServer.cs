using NannyOrleans.Api.Tests.Support;

namespace NannyOrleans.Api.Tests.Attacks;

/// <summary>A server with limits that a test reaches.</summary>
public sealed class LimitedServer : IAsyncLifetime
{
    /// <summary>Where the administrator has signed in from.</summary>
    public const string Home = "192.0.2.1";

    public const int RequestsPerSecond = 20;

    public const int RegistrationsPerMinute = 6;

    private readonly DataDirectory data = new();

    internal ServerProcess Server { get; private set; } = null!;

    internal Caller Anonymous { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Server = await ServerProcess.Start(
            data.Path, SharedServer.Password, more: [("NANNY_Limits__RequestsPerSecond", $"{RequestsPerSecond}"), ("NANNY_Limits__RegistrationsPerMinute", $"{RegistrationsPerMinute}")]);
        Anonymous = new(Server.Url);
        await Anonymous.From(Home).SignIn("admin", SharedServer.Password);
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        data.Dispose();
    }
}
