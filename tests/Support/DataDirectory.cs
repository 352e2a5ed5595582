namespace NannyOrleans.Tests.Support;

/// <summary>A directory on disk: kept over restarts, gone with the test.</summary>
internal sealed class DataDirectory : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("nanny-test-").FullName;

    public string PathOf(string file) => System.IO.Path.Combine(Path, file);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
