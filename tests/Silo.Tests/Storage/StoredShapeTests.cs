using System.Reflection;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using NannyOrleans.Domain.Operations;
using NannyOrleans.Grains.Fleet;
using NannyOrleans.Grains.History;
using NannyOrleans.Grains.Operations;
using NannyOrleans.Protocol.Ids;

namespace NannyOrleans.Silo.Tests.Storage;

/// <summary>
/// What lies in the databases, as files. A release reads what every one before it has stored, so a file is never changed: a state that
/// gains a field gets a second file beside the first (<c>node-state.2.json</c>).
/// </summary>
public sealed class StoredShapeTests(SharedSilo shared)
{
    private static readonly string Golden = Path.Combine(AppContext.BaseDirectory, "Golden", "stored");

    public static TheoryData<string> Names => [.. Stored.Samples.Keys];

    public static TheoryData<string> Files => [.. Directory.GetFiles(Golden).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Is_stored_as_the_newest_golden_file_has_it(string name)
    {
        var written = await Store(Stored.Samples[name]);
        var newest = Newest(name);
        Assert.True(
            newest is not null && JsonNode.DeepEquals(JsonNode.Parse(await File.ReadAllTextAsync(newest)), JsonNode.Parse(written)),
            $"{name} is stored as\n{written}");
    }

    [Theory]
    [MemberData(nameof(Files))]
    public async Task Every_golden_file_is_read_with_nothing_lost(string file)
    {
        var sample = Stored.Samples[file.Split('.')[0]];
        var old = await File.ReadAllTextAsync(Path.Combine(Golden, file));
        var read = await Load(sample.GetType(), old);
        if (file == Path.GetFileName(Newest(file.Split('.')[0]))) // an older one lacks what came later
        {
            Assert.Equal(Stored.Json(sample), Stored.Json(read));
        }

        AssertHas(JsonNode.Parse(await Store(read))!, JsonNode.Parse(old)!, file);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task What_a_later_release_adds_is_skipped(string name)
    {
        var sample = Stored.Samples[name];
        var later = JsonSerializer.Serialize(sample, sample.GetType(), MixedReleases.Later);
        Assert.Contains(MixedReleases.Gained, later, StringComparison.Ordinal);
        var read = await Load(sample.GetType(), later);
        Assert.Equal(Stored.Json(sample), Stored.Json(read));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Names_are_snake_case_and_no_type_of_ours_is_named(string name)
    {
        var written = await Store(Stored.Samples[name]);
        Assert.DoesNotContain("$type", written, StringComparison.Ordinal);
        Assert.DoesNotContain("NannyOrleans", written, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", written, StringComparison.Ordinal);
        foreach (var property in PropertiesOf(JsonNode.Parse(written)!))
        {
            Assert.Matches("^[a-z][a-z0-9_]*$", property);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_sample_leaves_nothing_out(string name)
    {
        var sample = Stored.Samples[name];
        foreach (var property in sample.GetType().GetProperties())
        {
            Assert.False(property.GetValue(sample) is null, $"{name}: {property.Name} is not set, so its stored shape is not tested.");
        }
    }

    [Fact]
    public void Every_stored_type_has_a_golden_file()
    {
        var states = typeof(IFleetGrain).Assembly.GetTypes()
            .SelectMany(type => type.GetConstructors(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance))
            .SelectMany(constructor => constructor.GetParameters())
            .Where(parameter => parameter.GetCustomAttribute<PersistentStateAttribute>() is not null)
            .Select(parameter => JsonNamingPolicy.KebabCaseLower.ConvertName(parameter.ParameterType.GenericTypeArguments[0].Name))
            .Append(JsonNamingPolicy.KebabCaseLower.ConvertName(nameof(OperationState))) // only read any more
            .Append(JsonNamingPolicy.KebabCaseLower.ConvertName(nameof(OperationRecord))); // history's
        Assert.Equal(states.Order(StringComparer.Ordinal), Stored.Samples.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(Stored.Samples.Keys.Order(StringComparer.Ordinal), Directory.GetFiles(Golden).Select(file => Path.GetFileName(file).Split('.')[0]).Distinct().Order(StringComparer.Ordinal));
    }

    // node-state.json, node-state.2.json, node-state.3.json
    private static string? Newest(string name) => Directory.GetFiles(Golden, $"{name}*.json").OrderBy(path => path.Length).ThenBy(path => path, StringComparer.Ordinal).LastOrDefault();

    /// <summary>Stores a value the way the product does, and says what then lies in the database.</summary>
    private async Task<string> Store(object value)
    {
        if (value is OperationRecord record)
        {
            record = record with { Id = NewId() };
            await shared.Silo.History.Add(record, new(string.Empty, string.Empty), AuditEntry.System);
            return shared.Data.Ask<string>("history.db", $"SELECT Record FROM operations WHERE Id = '{record.Id}'")
                .Replace(record.Id.Value, Stored.Ended.Id.Value, StringComparison.Ordinal);
        }

        var id = TestSilo.NewGrain();
        await (Task)Call(nameof(Write), value.GetType(), id, value);
        return Encoding.UTF8.GetString(shared.Data.Ask<byte[]>("grains.db", $"SELECT Payload FROM OrleansStorage WHERE IdText = '{id.Key}'"));
    }

    /// <summary>Puts JSON into the database as another release left it, and reads it the way the product does.</summary>
    private async Task<object> Load(Type type, string json)
    {
        if (type == typeof(OperationRecord))
        {
            var key = NewId();
            await shared.Silo.History.Add(Stored.Ended with { Id = key }, new(string.Empty, string.Empty), AuditEntry.System);
            shared.Data.Tell("history.db", $"UPDATE operations SET Record = @payload WHERE Id = '{key}'", json);
            return (await shared.Silo.History.Find(key.Value))!;
        }

        var id = TestSilo.NewGrain();
        await (Task)Call(nameof(Write), type, id, Activator.CreateInstance(type)!);
        shared.Data.Tell("grains.db", $"UPDATE OrleansStorage SET Payload = @payload WHERE IdText = '{id.Key}'", Encoding.UTF8.GetBytes(json));
        return await (Task<object>)Call(nameof(Read), type, id);
    }

    private object Call(string method, Type state, params object[] arguments) =>
        GetType().GetMethod(method, BindingFlags.NonPublic | BindingFlags.Instance)!.MakeGenericMethod(state).Invoke(this, arguments)!;

    private Task Write<T>(GrainId id, T value) => shared.Silo.Storage.WriteStateAsync("golden", id, new GrainState<T> { State = value });

    private async Task<object> Read<T>(GrainId id)
        where T : notnull
    {
        var state = new GrainState<T>();
        await shared.Silo.Storage.ReadStateAsync("golden", id, state);
        Assert.True(state.RecordExists);
        return state.State!;
    }

    private static JobId NewId() => JobId.Parse($"01M83HW1FS84TH{Interlocked.Increment(ref ids):D12}");

    private static int ids;

    // What was there is still there, with the same value; a newer release may have more beside it.
    private static void AssertHas(JsonNode now, JsonNode then, string where)
    {
        switch (then)
        {
            case JsonObject members:
                foreach (var (name, value) in members)
                {
                    Assert.True(now is JsonObject o && o.ContainsKey(name), $"{where}.{name} is lost.");
                    if (value is not null)
                    {
                        AssertHas(now[name] ?? throw new Xunit.Sdk.XunitException($"{where}.{name} is lost."), value, $"{where}.{name}");
                    }
                }

                break;
            case JsonArray items:
                Assert.True(now is JsonArray a && a.Count == items.Count, $"{where} has another length.");
                for (var at = 0; at < items.Count; at++)
                {
                    AssertHas(now[at]!, items[at]!, $"{where}[{at}]");
                }

                break;
            default:
                Assert.True(JsonNode.DeepEquals(now, then), $"{where} was {then.ToJsonString()} and is {now.ToJsonString()}.");
                break;
        }
    }

    private static IEnumerable<string> PropertiesOf(JsonNode node) => node switch
    {
        JsonObject members => members.SelectMany(member => member.Value is null ? [member.Key] : PropertiesOf(member.Value).Prepend(member.Key)),
        JsonArray items => items.Where(item => item is not null).SelectMany(item => PropertiesOf(item!)),
        _ => [],
    };
}
