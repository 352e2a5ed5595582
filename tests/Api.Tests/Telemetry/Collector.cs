using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace NannyOrleans.Api.Tests.Telemetry;

/// <summary>Takes what OpenTelemetry exports over HTTP, and reads of it what spans are called and where they belong.</summary>
internal sealed class Collector : IAsyncDisposable
{
    private readonly WebApplication app;

    public Collector()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.MapPost("/v1/traces", async (HttpRequest request) =>
        {
            using var body = new MemoryStream();
            await request.Body.CopyToAsync(body);
            foreach (var resource in Message.Read(body.ToArray()).Parts(1))
            {
                foreach (var span in resource.Parts(2).SelectMany(scope => scope.Parts(2)))
                {
                    Spans.Add(new(Convert.ToHexString(span.Bytes(1)), Convert.ToHexString(span.Bytes(2)), Convert.ToHexString(span.Bytes(4)), span.Text(5), [.. span.Parts(9).Select(tag => (tag.Text(1), tag.Parts(2).Single().Text(1)))]));
                }
            }
        });
        app.MapPost("/v1/metrics", () => Metrics.TrySetResult());
        app.Start();
        Url = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
    }

    public string Url { get; }

    public ConcurrentBag<Span> Spans { get; } = [];

    public TaskCompletionSource Metrics { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ValueTask DisposeAsync() => app.DisposeAsync();

    /// <summary>A span; attributes that are no text are empty.</summary>
    public sealed record Span(string Trace, string Id, string Parent, string Name, IReadOnlyList<(string Key, string Value)> Tags)
    {
        public string? Tag(string key) => Tags.Where(tag => tag.Key == key).Select(tag => tag.Value).SingleOrDefault();
    }

    /// <summary>A protobuf message: its length-delimited fields by number, the others left out.</summary>
    private sealed record Message(ILookup<int, byte[]> Fields)
    {
        public static Message Read(byte[] bytes)
        {
            var (fields, at) = (new List<(int Number, byte[] Value)>(), 0);
            while (at < bytes.Length)
            {
                var key = Varint();
                switch (key & 7)
                {
                    case 0:
                        Varint();
                        break;
                    case 1:
                        at += 8;
                        break;
                    case 2:
                        var length = (int)Varint();
                        fields.Add(((int)(key >> 3), bytes[at..(at + length)]));
                        at += length;
                        break;
                    case 5:
                        at += 4;
                        break;
                    default:
                        throw new InvalidDataException($"There is no wire type {key & 7}.");
                }
            }

            return new(fields.ToLookup(field => field.Number, field => field.Value));

            ulong Varint()
            {
                ulong value = 0;
                for (var shift = 0; ; shift += 7)
                {
                    var next = bytes[at++];
                    value |= (ulong)(next & 0x7f) << shift;
                    if (next < 0x80)
                    {
                        return value;
                    }
                }
            }
        }

        public byte[] Bytes(int number) => Fields[number].SingleOrDefault([]);

        public string Text(int number) => Encoding.UTF8.GetString(Bytes(number));

        public IEnumerable<Message> Parts(int number) => Fields[number].Select(Read);
    }
}
