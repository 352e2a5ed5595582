namespace NannyOrleans.Silo.Backups;

/// <summary>The verbs <c>backup DIRECTORY</c> and <c>restore DIRECTORY</c>, which both server programs know.</summary>
public static class BackupVerbs
{
    private const string Backup = "backup";
    private const string Restore = "restore";

    /// <summary>Whether the arguments are one of them.</summary>
    public static bool Is(string[] args) => args is [Backup or Restore, ..];

    /// <summary>Does what the arguments say, with the settings that the server itself would have.</summary>
    /// <returns>The process's exit code: 0 when it is done, 1 when it can't be, 2 for wrong arguments.</returns>
    public static async Task<int> Run(string[] args)
    {
        if (args is not [var verb, { Length: > 0 } directory])
        {
            await Console.Error.WriteLineAsync($"usage: {AppDomain.CurrentDomain.FriendlyName} {args[0]} DIRECTORY");
            return 2;
        }

        try
        {
            var options = SiloOptions.Read(new ConfigurationBuilder()
                .AddJsonFile(Path.Combine(AppContext.BaseDirectory, "appsettings.json"), optional: true)
                .AddEnvironmentVariables("NANNY_")
                .Build());
            directory = Path.GetFullPath(directory);
            var done = verb is Backup ? await BackupWriting.Write(options, directory) : await BackupReading.Restore(options, directory);
            await Console.Out.WriteLineAsync(done);
            return 0;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"{AppDomain.CurrentDomain.FriendlyName}: {failure.Message}");
            return 1;
        }
        catch (Exception failure) when (ServerProcess.Reason(failure) is { } reason)
        {
            await Console.Error.WriteLineAsync($"{AppDomain.CurrentDomain.FriendlyName}: {reason}");
            return 1;
        }
    }
}
