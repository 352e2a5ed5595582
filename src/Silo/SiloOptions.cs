using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace NannyOrleans.Silo;

/// <summary>Where a silo keeps its data and where it listens. Section <c>Silo</c>.</summary>
public sealed class SiloOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Silo";

    /// <summary>
    /// The connection string of the PostgreSQL database that all processes of this installation share; a password is better kept in the file that
    /// its <c>Passfile</c> names. Default empty: SQLite files in <see cref="DataDirectory"/>, for one process.
    /// </summary>
    public string Postgres { get; set; } = string.Empty;

    /// <summary>Whether the data lies in PostgreSQL.</summary>
    public bool OnPostgres => Postgres.Length > 0;

    /// <summary>The directory of keys and of SQLite files; made with mode 0700 when absent. Default <c>data</c> below the working directory.</summary>
    [Required]
    public string DataDirectory { get; set; } = "data";

    /// <summary>
    /// Whether the Api process hosts a silo itself. Default true; false: it is a client of the silos that the database names, or without one of
    /// that at <see cref="GatewayPort"/>.
    /// </summary>
    public bool Embedded { get; set; } = true;

    /// <summary>
    /// The address, or a name that stands for one, that other silos and clients reach this silo at; it listens there alone. Default 127.0.0.1.
    /// Another only with PostgreSQL. Only who has the installation's <c>silo-tls.pem</c> is listened to.
    /// </summary>
    [Required]
    public string Address { get; set; } = "127.0.0.1";

    /// <summary>The port silos talk on. Default 11111; 0 to 65535, 0 takes a free one.</summary>
    [Range(0, 65535)]
    public int Port { get; set; } = 11111;

    /// <summary>
    /// The port that clients of a separate silo connect to. Default 30000; 1 to 65535. An embedded silo has no gateway.
    /// </summary>
    [Range(1, 65535)]
    public int GatewayPort { get; set; } = 30000;

    /// <summary>Guest jobs side by side on one host. Default 4; 1 to 64.</summary>
    [Range(1, 64)]
    public int GuestJobsAtOnce { get; set; } = 4;

    /// <summary>Days that an ended operation and what it printed are kept. Default 400, so that last year's can be looked at; 1 to 36500.</summary>
    [Range(1, 36500)]
    public int OperationDays { get; set; } = 400;

    /// <summary>
    /// Reads and checks the section. A process needs it while it is being put together, which is before the host would validate it.
    /// </summary>
    /// <exception cref="CannotStartException">A value can't be read.</exception>
    /// <exception cref="OptionsValidationException">A value is out of its range.</exception>
    public static SiloOptions Read(IConfiguration configuration) => NannyOrleans.Silo.Section.Read(configuration, Section, new SiloOptionsValidator());

    /// <summary>A file's path inside the data directory.</summary>
    public string PathOf(string file) => Path.Combine(Path.GetFullPath(DataDirectory), file);

    /// <summary>Makes the data directory if it is not there; only its owner may look inside, and into its files whoever may look inside.</summary>
    /// <exception cref="CannotStartException">It can't be made, or nothing can be written in it.</exception>
    public void MakeDataDirectory()
    {
        try
        {
            Directory.CreateDirectory(DataDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            using var probe = new FileStream(PathOf($".write-test-{Environment.ProcessId}"), FileMode.Create, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
            PrivateFiles.TakeFromOthers(DataDirectory);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new CannotStartException($"The data directory {Path.GetFullPath(DataDirectory)} can't be written: {refused.Message}", refused);
        }
    }
}

[OptionsValidator]
internal sealed partial class SiloOptionsValidator : IValidateOptions<SiloOptions>;
