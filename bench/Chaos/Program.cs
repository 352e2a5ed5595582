using System.Diagnostics;

// The chaos of the tests for longer: half an hour, another seed each time. NANNY_CHAOS_MINUTES, NANNY_CHAOS_SEED and NANNY_CHAOS_HOSTS say otherwise.
var here = AppContext.BaseDirectory;
var repository = here[..here.LastIndexOf("/bench/", StringComparison.Ordinal)];
var output = here[(here.LastIndexOf("/bin/", StringComparison.Ordinal) + 1)..];
var start = new ProcessStartInfo(Path.Combine(repository, "tests", "Chaos.Tests", output, "NannyOrleans.Chaos.Tests"));
Set("NANNY_CHAOS_MINUTES", "30");
Set("NANNY_CHAOS_SEED", $"{Random.Shared.Next(1, 1_000_000)}");
Set("NANNY_TEST_PROGRAMS", Path.Combine(repository, "artifacts"));
var figures = Path.Combine(repository, "artifacts", "tests", "chaos.txt");
File.Delete(figures);
using var run = Process.Start(start)!;
await run.WaitForExitAsync();
Console.WriteLine(File.Exists(figures) ? await File.ReadAllTextAsync(figures) : "It did not come to a verdict.");
return run.ExitCode;

void Set(string name, string value) => start.Environment[name] = Environment.GetEnvironmentVariable(name) ?? value;
