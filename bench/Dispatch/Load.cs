using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using NannyOrleans.Bench.Fleet;
using NannyOrleans.Protocol.Ids;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Bench.Dispatch;

/// <summary>Agents of 16 hosts with 4 guests each, and who asks for patches of them: a guest for each of 64 at once, as many as a host works on by default.</summary>
internal sealed class Load : IAsyncDisposable
{
    /// <summary>The token of who asks the limit for patches.</summary>
    public const string LimitToken = "somebody";

    private const int Hosts = 16;
    private const int HostsPerCluster = 4;
    private const int GuestsPerHost = 4;

    private const string Document =
        """{"mode":"apply","packages":[{"name":"nginx","from":"1.18.0","to":"1.24.0","security":true,"origin":"Debian-Security"}],"kept_back":[],"held":[],"removed":[],"failed":[],"reboot_required":false,"warnings":[]}""";

    private readonly HttpClient http;
    private readonly List<GeneratedAgent> agents = [];
    private readonly List<Slot> slots = [];

    private Load(HttpClient http) => this.http = http;

    /// <summary>Registers and connects the agents of the real server.</summary>
    /// <param name="server">Who is asked for patches.</param>
    /// <param name="holder">Who has the agents, where that is another process of the same installation.</param>
    public static async Task<Load> Of(BenchServer server, BenchServer? holder = null)
    {
        var load = new Load(server.Http);
        await load.Connect((holder ?? server).Url, agent => server.Register(agent.Cluster.Value, agent.Node.Value, agent.ClusterName));
        foreach (var agent in load.agents)
        {
            await agent.ReportWhole();
        }

        return load;
    }

    /// <summary>Connects them to the one that is only a dictionary; there a token is a list of guests.</summary>
    public static async Task<Load> Of(Uri limit)
    {
        var load = new Load(new(new SocketsHttpHandler { MaxConnectionsPerServer = Hosts * GuestsPerHost }) { BaseAddress = limit });
        load.http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", LimitToken);
        await load.Connect(limit, agent => Task.FromResult(string.Join('+', Enumerable.Range(0, GuestsPerHost).Select(guest => Id(agent, guest)))));
        return load;
    }

    /// <summary>One operation after the other; the times from the request to the job's arrival at its agent.</summary>
    public async Task<Times> OneByOne(int count)
    {
        var times = new Times();
        for (var turn = 0; turn < count; turn++)
        {
            times.Add(await slots[turn % slots.Count].Patch(http));
        }

        return times;
    }

    /// <summary>So many at once, each with the next as soon as one has ended.</summary>
    /// <returns>Operations a second.</returns>
    public async Task<double> AtOnce(int count, TimeSpan length)
    {
        var began = Stopwatch.StartNew();
        var done = await Task.WhenAll(slots.Take(count).Select(async slot =>
        {
            var own = 0;
            for (; began.Elapsed < length; own++)
            {
                await slot.Patch(http);
            }

            return own;
        }));
        return done.Sum() / began.Elapsed.TotalSeconds;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var agent in agents)
        {
            await agent.DisposeAsync();
        }
    }

    private static string Id(GeneratedAgent agent, int guest) => $"{agent.Cluster}-lxc-{agent.Vmid(guest)}";

    private async Task Connect(Uri url, Func<GeneratedAgent, Task<string>> token)
    {
        for (var number = 0; number < Hosts; number++)
        {
            var agent = new GeneratedAgent(number, HostsPerCluster, GuestsPerHost);
            var own = Enumerable.Range(0, GuestsPerHost).ToDictionary(agent.Vmid, guest => new Slot(agent, Id(agent, guest)));
            slots.AddRange(own.Values);
            agents.Add(agent);
            await agent.Connect(url, await token(agent), job => own[job.Target!.Value].Take(job));
        }
    }

    /// <summary>One guest: at most one operation on it is under way.</summary>
    private sealed class Slot(GeneratedAgent agent, string id)
    {
        private readonly byte[] request = Encoding.UTF8.GetBytes($$"""{"agent_id":"{{id}}","mode":"apply"}""");
        private TaskCompletionSource<long> started = New();
        private TaskCompletionSource<long> ended = New();

        public async Task<TimeSpan> Patch(HttpClient http)
        {
            (started, ended) = (New(), New());
            using var content = new ByteArrayContent(request) { Headers = { ContentType = new("application/json") } };
            var asked = Stopwatch.GetTimestamp();
            using var answer = await http.PostAsync("/api/patches", content);
            if (!answer.IsSuccessStatusCode)
            {
                throw new InvalidOperationException($"{id}: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync()}");
            }

            var arrived = await started.Task.WaitAsync(Patience);
            await ended.Task.WaitAsync(Patience);
            return Stopwatch.GetElapsedTime(asked, arrived);
        }

        public void Take(Job job)
        {
            // A second time, after a renewal of the session: it has been answered.
            if (started.TrySetResult(Stopwatch.GetTimestamp()))
            {
                _ = Carry(job.Id);
            }
        }

        private async Task Carry(JobId job)
        {
            try
            {
                var now = DateTimeOffset.UtcNow;
                await agent.ReportJob(new(job, JobOutcome.Accepted, null));
                await agent.ReportJob(new(job, JobOutcome.Running, null) { StartedAt = now });
                await agent.ReportJob(new(job, JobOutcome.Succeeded, null) { ExitCode = 0, StandardOutput = Document, StandardError = "nanny-patch: started\n", StartedAt = now, CompletedAt = now });
                ended.TrySetResult(0);
            }
            catch (Exception failure)
            {
                ended.TrySetException(failure);
            }
        }

        private static TaskCompletionSource<long> New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    }
}
