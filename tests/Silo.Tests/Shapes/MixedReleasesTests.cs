using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.DependencyInjection;
using NannyOrleans.Grains.Nodes;
using NannyOrleans.Silo.Tests.Storage;
using Orleans.Serialization;

namespace NannyOrleans.Silo.Tests.Shapes;

/// <summary>
/// For one release silos, Api and agents of two versions work side by side (docs/upgrading.md). What a release can call, and each name by which
/// it sends something, is written down in <c>Golden/calls</c> when it is made; the next ones add to it.
/// </summary>
public sealed class MixedReleasesTests(SharedSilo shared)
{
    private const string Release = "0.1.0";
    private static readonly string Golden = Path.Combine(AppContext.BaseDirectory, "Golden", "calls");
    private static readonly JsonSerializerOptions Json = Wire.Configure(new());

    public static TheoryData<string> Names => [.. Stored.Samples.Keys];

    [Theory]
    [MemberData(nameof(Names))]
    public void What_a_later_release_adds_to_a_record_is_skipped_where_it_crosses_a_call(string name)
    {
        var sample = Stored.Samples[name];
        using var newer = new ServiceCollection().AddSerializer(serializer =>
        {
            Wire.AddWire(serializer);
            serializer.Services.PostConfigure<JsonCodecOptions>(json => MixedReleases.Gain(json.SerializerOptions));
        }).BuildServiceProvider();
        var sent = newer.GetRequiredService<Serializer>().SerializeToArray<object>(sample);
        Assert.Contains(MixedReleases.Gained, System.Text.Encoding.UTF8.GetString(sent), StringComparison.Ordinal);
        var read = shared.Silo.Services.GetRequiredService<Serializer>().Deserialize<object>(sent);
        Assert.Equal(Stored.Json(sample), Stored.Json(read));
    }

    [Fact]
    public void Nothing_that_the_last_release_says_to_this_one_has_lost_its_name_or_kind()
    {
        var released = File.ReadAllLines(Path.Combine(Golden, $"{Release}.names.txt"));
        var now = NamesNow();
        var lost = released.Except(now).ToArray();
        Assert.True(released.Length > 200 && lost.Length is 0, $"Lost:\n{string.Join('\n', lost)}\nAll there is now:\n{string.Join('\n', now)}");

        // What is new is not there in what the last release says.
        Assert.DoesNotContain(now.Except(released), line => line.EndsWith(Required, StringComparison.Ordinal));
    }

    [Fact]
    public void Nothing_that_the_last_release_calls_is_gone()
    {
        var released = Methods(Path.Combine(Golden, $"{Release}.contracts.txt"));
        var lost = released.Except(Methods(Path.Combine(Golden, "now.contracts.txt"))).ToArray();
        Assert.True(released.Count > 60 && lost.Length is 0, $"Lost:\n{string.Join('\n', lost)}");
    }

    private const string Required = " required";

    // Lines of OrleansContracts.txt: an interface's, and indented those of its methods.
    private static List<string> Methods(string path)
    {
        var (all, owner) = (new List<string>(), string.Empty);
        foreach (var line in File.ReadLines(path).Where(line => line.Length > 0 && line[0] is not '#'))
        {
            if (!char.IsWhiteSpace(line[0]))
            {
                owner = line;
            }
            else
            {
                all.Add($"{owner}: {line.Trim()}");
            }
        }

        return all;
    }

    private static string[] NamesNow()
    {
        var (lines, seen) = (new SortedSet<string>(StringComparer.Ordinal), new HashSet<Type>());
        foreach (var method in typeof(INodeGrain).Assembly.GetTypes().Where(type => type.IsInterface && typeof(IAddressable).IsAssignableFrom(type)).SelectMany(type => type.GetMethods()))
        {
            Visit(method.ReturnType);
            foreach (var parameter in method.GetParameters())
            {
                Visit(parameter.ParameterType);
            }
        }

        return [.. lines];

        void Visit(Type type)
        {
            foreach (var part in type.GetGenericArguments().Append(type.GetElementType() ?? typeof(void)))
            {
                if (part != typeof(void))
                {
                    Visit(part);
                }
            }

            if (type.Namespace?.StartsWith("NannyOrleans.", StringComparison.Ordinal) is not true || typeof(IAddressable).IsAssignableFrom(type) || type.IsGenericTypeDefinition || !seen.Add(type))
            {
                return;
            }

            if (type.IsEnum)
            {
                lines.UnionWith(Enum.GetValues(type).Cast<object>().Select(value => $"{Name(type)} = {JsonSerializer.Serialize(value, type, Json)}"));
                return;
            }

            var shape = Json.GetTypeInfo(type);
            Assert.NotEqual(System.Text.Json.Serialization.JsonUnmappedMemberHandling.Disallow, shape.UnmappedMemberHandling ?? Json.UnmappedMemberHandling);
            foreach (var derived in shape.PolymorphismOptions?.DerivedTypes ?? [])
            {
                lines.Add($"{Name(type)} as {derived.TypeDiscriminator}: {Name(derived.DerivedType)}");
                Visit(derived.DerivedType);
            }

            if (shape.Kind is not JsonTypeInfoKind.Object)
            {
                lines.Add($"{Name(type)}: {shape.Kind}");
                return;
            }

            foreach (var property in shape.Properties.Where(property => property.Get is not null || property.Set is not null))
            {
                lines.Add($"{Name(type)}.{property.Name}: {Name(property.PropertyType)}{(property.IsRequired ? Required : string.Empty)}");
                Visit(property.PropertyType);
            }
        }
    }

    private static string Name(Type type) => type.IsGenericType
        ? $"{type.Name.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>"
        : type.FullName!.Replace("NannyOrleans.", string.Empty, StringComparison.Ordinal).Replace("System.", string.Empty, StringComparison.Ordinal);
}
