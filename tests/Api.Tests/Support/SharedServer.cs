using NannyOrleans.Api.Tests.Support;

[assembly: AssemblyFixture(typeof(SharedServer))]

namespace NannyOrleans.Api.Tests.Support;

/// <summary>One server for most tests; each uses clusters, vmids and names of its own.</summary>
public sealed class SharedServer : IAsyncLifetime
{
    public const string Password = "correct horse battery staple";

    private readonly DataDirectory data = new();

    internal ServerProcess Server { get; private set; } = null!;

    /// <summary>Calls with nobody's token.</summary>
    internal Caller Anonymous { get; private set; } = null!;

    /// <summary>Calls as the administrator.</summary>
    internal Caller Admin { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Server = await ServerProcess.Start(data.Path, Password);
        Anonymous = new(Server.Url);
        Admin = await Anonymous.SignIn("admin", Password);
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        data.Dispose();
    }
}
