namespace NannyOrleans.Api.Tests.Support;

/// <summary>A server's data, kept over its restarts and gone with the test.</summary>
internal sealed class DataDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("nanny-api-test-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
