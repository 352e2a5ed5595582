using System.Diagnostics;
using System.Globalization;
using NannyOrleans.Bench;

// The fuzzing of the tests for longer: a minute for each thing that reads what comes from outside. NANNY_FUZZ_SECONDS says otherwise. What fails says
// its seed, and is a test with a case to be added.
var here = AppContext.BaseDirectory;
var repository = here[..here.LastIndexOf("/bench/", StringComparison.Ordinal)];
var output = here[(here.LastIndexOf("/bin/", StringComparison.Ordinal) + 1)..];
var results = Path.Combine(Path.GetTempPath(), $"nanny-fuzz-{Environment.ProcessId}");
var failed = 0;
foreach (var tests in (string[])["Domain", "Agent", "Api"])
{
    var start = new ProcessStartInfo(Path.Combine(repository, "tests", $"{tests}.Tests", output, $"NannyOrleans.{tests}.Tests"), ["-class", "*Fuzz*", "-class", "*HostileTextTests"]);
    start.Environment["NANNY_FUZZ_SECONDS"] = Environment.GetEnvironmentVariable("NANNY_FUZZ_SECONDS") ?? "60";
    start.Environment["NANNY_FUZZ_RESULTS"] = results;
    start.Environment["NANNY_TEST_PROGRAMS"] = Path.Combine(repository, "artifacts");
    using var run = Process.Start(start)!;
    await run.WaitForExitAsync();
    failed += run.ExitCode is 0 ? 0 : 1;
}

foreach (var line in File.Exists(results) ? await File.ReadAllLinesAsync(results) : [])
{
    var words = line.Split(' ');
    Figures.AtLeast($"fuzz-{words[0]}", long.Parse(words[1], CultureInfo.InvariantCulture), "cases", 1000);
}

File.Delete(results);
Figures.Exactly("fuzz-failed", failed, "projects", 0);
Figures.Print();
