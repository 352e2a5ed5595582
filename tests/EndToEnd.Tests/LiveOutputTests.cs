using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json.Nodes;

namespace NannyOrleans.EndToEnd.Tests;

/// <summary>What an apply prints, followed while it runs.</summary>
[Collection("one lab")] // one after the other: they stop and kill what they share
public sealed class LiveOutputTests(Cluster cluster)
{
    private const int Guest = 102;

    [Fact]
    public async Task Pieces_arrive_while_it_runs_and_joined_they_are_the_final_output_and_the_end_is_told()
    {
        Cluster.NeedContainers();
        await cluster.Server.Until(() => cluster.Agent($"lxc-{Guest}"), row => (string?)row["status"] is "running", $"lxc-{Guest} to run"); // another test may just have restarted all
        await using var package = new HeldPackage(cluster.Lab, Guest, "4.1");
        await package.Serve("echo 'before it was held: ä'; i=0; while [ $i -lt 300 ]; do echo \"line $i of the package's own\"; i=$((i+1)); done", "end");
        var id = await cluster.Server.StartPatch($"lxc-{Guest}", "apply", "lab-*");

        var live = new Transcript();
        await using (var events = Follow(id).GetAsyncEnumerator(TestContext.Current.CancellationToken))
        {
            // The package stays where it is until we have read what it has printed: these pieces came while it ran.
            await live.Read(events, () => live.Text("stderr").Contains("line 299 of the package's own", StringComparison.Ordinal)).Within("the output of a package that is held");
            Assert.Contains("before it was held: ä", live.Text("stderr"));
            Assert.Empty(live.Of("end"));
            Assert.Equal("running", (string?)(await cluster.Server.Get($"/api/patches/{id}"))["status"]);

            await package.Release("end");
            await live.Read(events, () => false).Within("the end of the stream");
        }

        var operation = await cluster.Server.Get($"/api/patches/{id}");
        Assert.True((string?)operation["status"] is "succeeded", operation.ToJsonString());
        Assert.Equal((string?)operation["stdout"], live.Text("stdout"));
        Assert.Equal((string?)operation["stderr"], live.Text("stderr"));
        var (end, _) = Assert.Single(live.Of("end"));
        Assert.Equal(("succeeded", 0), ((string?)end["status"], (int?)end["exit_code"]));
        Assert.Equal("end", live.Last);
        Assert.Equal("succeeded", (string?)live.Of("status")[^1].Data["status"]);

        // Whoever lost the connection goes on behind the last event that came.
        var outputs = live.Of("output");
        var rest = new Transcript();
        await using (var events = Follow(id, outputs[0].Id).GetAsyncEnumerator(TestContext.Current.CancellationToken))
        {
            await rest.Read(events, () => false).Within("the rest of the stream");
        }

        var first = outputs[0].Data;
        foreach (var channel in (string[])["stdout", "stderr"])
        {
            var begin = (string?)first["channel"] == channel ? (string)first["text"]! : string.Empty;
            Assert.Equal(live.Text(channel), begin + rest.Text(channel));
        }

        Assert.Single(rest.Of("end"));
    }

    private async IAsyncEnumerable<SseItem<string>> Follow(string id, string? last = null)
    {
        using var ask = new HttpRequestMessage(HttpMethod.Get, $"/api/patches/{id}/output?follow=true");
        if (last is not null)
        {
            ask.Headers.Add("Last-Event-ID", last);
        }

        using var answer = await cluster.Server.Client.SendAsync(ask, HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType?.MediaType);
        await foreach (var one in SseParser.Create(await answer.Content.ReadAsStreamAsync()).EnumerateAsync())
        {
            yield return one;
        }
    }

    /// <summary>All events that came.</summary>
    private sealed class Transcript
    {
        private readonly List<(string Kind, JsonNode Data, string Id)> events = [];

        public string Last => events[^1].Kind;

        public List<(JsonNode Data, string Id)> Of(string kind) => [.. events.Where(one => one.Kind == kind).Select(one => (one.Data, one.Id))];

        /// <summary>The pieces of one channel, each beginning where the one before ended.</summary>
        public string Text(string channel)
        {
            var text = new StringBuilder();
            var at = (long?)null;
            foreach (var (piece, _) in Of("output").Where(one => (string?)one.Data["channel"] == channel))
            {
                var said = (string)piece["text"]!;
                Assert.True(at is null || at == (long)piece["offset"]!, $"a gap at {at}, before {piece}");
                at = (long)piece["offset"]! + Encoding.UTF8.GetByteCount(said);
                text.Append(said);
            }

            return text.ToString();
        }

        /// <summary>Reads until it is enough or the stream has ended.</summary>
        public async Task Read(IAsyncEnumerator<SseItem<string>> stream, Func<bool> isEnough)
        {
            while (!isEnough() && await stream.MoveNextAsync())
            {
                events.Add((stream.Current.EventType, JsonNode.Parse(stream.Current.Data)!, stream.Current.EventId!));
            }
        }
    }
}
