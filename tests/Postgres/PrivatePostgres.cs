using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace NannyOrleans.Tests.Postgres;

/// <summary>
/// A PostgreSQL server of one's own: on a free loopback port, in a directory of its own, with the settings of a real one. It can be
/// killed, stopped, frozen and started again on the same port. All its processes are in a PID namespace whose first process is the
/// postmaster: the kernel ends them with it, and it ends with whoever started it, however that ended.
/// </summary>
internal sealed class PrivatePostgres : IAsyncDisposable
{
    /// <summary>The role that the product connects as: owner of its databases, and no superuser, as in an installation.</summary>
    public const string Role = "nanny";

    private const string Programs = "/usr/lib/postgresql/15/bin";
    private const string Ready = "database system is ready to accept connections";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(90);

    private readonly string directory = Directory.CreateTempSubdirectory("nanny-postgres-").FullName;
    private readonly string password = RandomNumberGenerator.GetHexString(32);
    private readonly IReadOnlyDictionary<string, string> settings;
    private readonly ConcurrentDictionary<string, Lazy<Task>> templates = new(StringComparer.Ordinal);
    private readonly List<string> log = [];
    private Process? process;
    private Task ended = Task.CompletedTask;
    private int databases;

    private PrivatePostgres(int maxConnections, IReadOnlyDictionary<string, string>? settings) => this.settings =
        new Dictionary<string, string>(settings ?? new Dictionary<string, string>(), StringComparer.Ordinal) { ["max_connections"] = $"{maxConnections}" };

    /// <summary>Why there can be none here; null when there can.</summary>
    public static string? WhyNot => File.Exists($"{Programs}/initdb") ? null : "PostgreSQL is needed. On Debian: apt-get install postgresql-15";

    /// <summary>The port it listens on, the same after each start.</summary>
    public int Port { get; private set; }

    /// <summary>What it has said so far.</summary>
    public string Log
    {
        get
        {
            lock (log)
            {
                return string.Join('\n', log);
            }
        }
    }

    /// <summary>Makes a server and waits until it takes connections. <c>fsync</c> and <c>synchronous_commit</c> are on, as they are by default.</summary>
    /// <param name="maxConnections">How many connections it takes.</param>
    /// <param name="settings">Other settings of postgresql.conf by name.</param>
    public static async Task<PrivatePostgres> Start(int maxConnections = 200, IReadOnlyDictionary<string, string>? settings = null)
    {
        var server = new PrivatePostgres(maxConnections, settings);
        try
        {
            if (Environment.IsPrivilegedProcess)
            {
                await Run("chown", ["postgres:", server.directory]);
            }

            // What is durable from here on is; the empty cluster need not be. On the socket, which lies in a closed directory, nobody is asked who he is.
            await Run(AsOwner(
                $"{Programs}/initdb", "--pgdata", server.Data, "--no-sync", "--no-instructions", "--locale=C.UTF-8", "--encoding=UTF8",
                "--username=postgres", "--auth-local=trust", "--auth-host=scram-sha-256"));
            await server.Start();
            await server.Psql("postgres", $"CREATE ROLE {Role} LOGIN PASSWORD '{server.password}'");
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>How <see cref="Role"/> connects to a database: for Npgsql.</summary>
    public string ConnectionString(string database) => $"Host=127.0.0.1;Port={Port};Database={database};Username={Role};Password={password}";

    /// <summary>Makes an empty database; gives its connection string.</summary>
    public Task<string> NewDatabase() => Create("template0");

    /// <summary>Makes a copy of a database that is filled once: quicker than filling each. Gives the copy's connection string.</summary>
    /// <param name="template">Its name.</param>
    /// <param name="fill">Fills it, given its connection string; run for the first copy only.</param>
    public async Task<string> NewDatabase(string template, Func<string, Task> fill)
    {
        await templates.GetOrAdd(template, _ => new(() => Fill(template, fill))).Value;
        return await Create(template);
    }

    /// <summary>Runs SQL as the superuser; gives what it selects, a line for each row.</summary>
    public Task<string> Psql(string database, string sql) =>
        Run("psql", ["--no-psqlrc", "-h", directory, "-p", $"{Port}", "-U", "postgres", "-d", database, "-qAt", "-v", "ON_ERROR_STOP=1", "-c", sql]);

    /// <summary>Starts it, after <see cref="Kill"/> or <see cref="Stop"/> on the same port, and waits until it takes connections.</summary>
    public async Task Start()
    {
        if (process is not null)
        {
            throw new InvalidOperationException("It runs.");
        }

        var tries = Port is 0 ? 10 : 1;
        while (true)
        {
            Port = Port is 0 ? FreePort() : Port;
            var (ended, ready) = Launch();
            if (await Task.WhenAny(ended, ready).WaitAsync(Limit) == ready)
            {
                return;
            }

            await Ended();
            if (--tries is 0 || !Log.Contains("could not create any TCP/IP sockets", StringComparison.Ordinal))
            {
                throw new InvalidOperationException($"PostgreSQL does not start:\n{Log}");
            }

            Port = 0; // another was quicker
        }
    }

    /// <summary>Ends all its processes at once and without a word, as a power cut does.</summary>
    public async Task Kill()
    {
        await Signal("KILL", [Postmaster()]);
        await Ended();
    }

    /// <summary>Stops it as its service does: connections are ended, all is written.</summary>
    public async Task Stop()
    {
        await Signal("INT", [Postmaster()]);
        await Ended();
    }

    /// <summary>Stops all its processes where they are: connections stay open and nothing answers.</summary>
    public async Task Freeze()
    {
        // The postmaster first: it makes the others.
        await Signal("STOP", [Postmaster()]);
        while (Processes().Where(one => one.State is not ('T' or 'Z' or 'X')).Select(one => one.Pid).ToArray() is { Length: > 0 } going)
        {
            await Signal("STOP", going);
        }
    }

    /// <summary>Lets it go on after <see cref="Freeze"/>.</summary>
    public Task Resume() => Signal("CONT", Processes().Select(one => one.Pid));

    public async ValueTask DisposeAsync()
    {
        if (process is not null)
        {
            await Kill();
        }

        Directory.Delete(directory, recursive: true);
    }

    private string Data => $"{directory}/data";

    /// <summary>PostgreSQL refuses to be root.</summary>
    private static string[] AsOwner(params string[] command) =>
        Environment.IsPrivilegedProcess ? ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups", .. command] : command;

    private async Task Fill(string template, Func<string, Task> fill)
    {
        await Psql("postgres", $"CREATE DATABASE \"{template}\" TEMPLATE template0 OWNER {Role}");
        await fill(ConnectionString(template));
        // A pool may hold a connection, and one that is connected to can't be copied.
        await Psql("postgres", $"ALTER DATABASE \"{template}\" ALLOW_CONNECTIONS false");
        await Psql("postgres", $"SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = '{template}'");
    }

    private async Task<string> Create(string template)
    {
        var name = $"db{Interlocked.Increment(ref databases)}";
        await Psql("postgres", $"CREATE DATABASE {name} TEMPLATE \"{template}\" OWNER {Role}");
        return ConnectionString(name);
    }

    /// <summary>Below the ports that outgoing connections get: one of those could have it when this is started again.</summary>
    private static int FreePort()
    {
        while (true)
        {
            var port = RandomNumberGenerator.GetInt32(15000, 32000);
            using var probe = new TcpListener(IPAddress.Loopback, port);
            try
            {
                probe.Start();
                return port;
            }
            catch (SocketException)
            {
                // taken; the next
            }
        }
    }

    private (Task Ended, Task Ready) Launch()
    {
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        ended = gone.Task;
        string[] all = [.. settings.Select(one => $"{one.Key}={one.Value}"), $"port={Port}", "listen_addresses=127.0.0.1",
            $"unix_socket_directories={directory}", "dynamic_shared_memory_type=mmap"]; // in its directory, and gone with it
        var start = new ProcessStartInfo("setpriv",
        [
            "--pdeathsig", "KILL", "unshare", .. Environment.IsPrivilegedProcess ? Array.Empty<string>() : ["--user", "--map-current-user"],
            "--pid", "--ipc", "--fork", "--kill-child=KILL",
            // What unshare asked the kernel for is forgotten where the user changes, so it is asked again.
            .. AsOwner("setpriv", "--pdeathsig", "KILL", $"{Programs}/postgres", "-D", Data), .. all.SelectMany(one => new[] { "-c", one }),
        ])
        { RedirectStandardError = true, WorkingDirectory = "/" };
        // "The parent died" means the thread that started it, so that one waits.
        new Thread(() =>
        {
            try
            {
                using var running = Process.Start(start)!;
                started.SetResult(running);
                while (running.StandardError.ReadLine() is { } line)
                {
                    lock (log)
                    {
                        log.Add(line);
                    }

                    if (line.Contains(Ready, StringComparison.Ordinal))
                    {
                        ready.TrySetResult();
                    }
                }

                running.WaitForExit();
                gone.SetResult();
            }
            catch (Exception failure)
            {
                started.TrySetException(failure);
            }
        })
        { IsBackground = true, Name = "PostgreSQL" }.Start();
        process = started.Task.GetAwaiter().GetResult();
        return (ended, ready.Task);
    }

    private async Task Ended()
    {
        await ended.WaitAsync(Limit);
        process = null;
    }

    /// <summary>The child of <c>unshare</c>, as this namespace sees it.</summary>
    private int Postmaster() => process is { } unshare
        ? ChildrenOf(unshare.Id).Select(one => one.Pid).DefaultIfEmpty(0).First() is > 0 and var pid ? pid : throw new InvalidOperationException($"PostgreSQL has ended:\n{Log}")
        : throw new InvalidOperationException("It does not run.");

    private IEnumerable<(int Pid, char State)> Processes() => ChildrenOf(process!.Id).SelectMany(postmaster => ChildrenOf(postmaster.Pid).Append(postmaster));

    private static (int Pid, char State)[] ChildrenOf(int parent)
    {
        var children = new List<(int, char)>();
        foreach (var entry in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(entry), NumberStyles.None, CultureInfo.InvariantCulture, out var pid))
            {
                continue;
            }

            try
            {
                // pid (name) state parent ..., and a name may have blanks and brackets in it.
                var stat = File.ReadAllText($"{entry}/stat");
                var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
                if (fields[1] == $"{parent}")
                {
                    children.Add((pid, fields[0][0]));
                }
            }
            catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
            {
                // ended meanwhile
            }
        }

        return [.. children];
    }

    /// <summary>To one that ended meanwhile it does not matter.</summary>
    private static async Task Signal(string signal, IEnumerable<int> pids)
    {
        using var kill = Process.Start(new ProcessStartInfo("kill", ["-s", signal, .. pids.Select(pid => $"{pid}")]) { RedirectStandardError = true })!;
        await kill.StandardError.ReadToEndAsync();
        await kill.WaitForExitAsync();
    }

    private static Task<string> Run(string[] command) => Run(command[0], command[1..]);

    private static async Task<string> Run(string program, IEnumerable<string> arguments)
    {
        using var run = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" })!;
        var error = run.StandardError.ReadToEndAsync();
        var output = await run.StandardOutput.ReadToEndAsync();
        await run.WaitForExitAsync();
        return run.ExitCode is 0 ? output.TrimEnd('\n') : throw new InvalidOperationException($"{program} exited with {run.ExitCode}: {await error}");
    }
}
