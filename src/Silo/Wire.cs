using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using NannyOrleans.Domain.Agents;
using Orleans.Serialization;
using Orleans.Serialization.Cloning;

namespace NannyOrleans.Silo;

/// <summary>How our records cross grain calls: between processes as JSON, within one as they are.</summary>
internal static class Wire
{
    /// <summary>Protocol and Domain records travel and are stored as JSON: their names are the contract, and there are no copies of them.</summary>
    public static void AddWire(ISerializerBuilder serializer)
    {
        serializer.AddJsonSerializer(IsOurs, _ => false, json => json.Configure(options => options.SerializerOptions = Configure(new JsonSerializerOptions())));
        serializer.Services.AddSingleton<IGeneralizedCopier, ImmutableRecords>();
    }

    /// <summary>The JSON of everything that is sent between processes or stored.</summary>
    public static JsonSerializerOptions Configure(JsonSerializerOptions json)
    {
        json.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        json.TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { AgentRow.MarkKinds } };
        return json;
    }

    private static bool IsOurs(Type type) => type.Namespace is { } name
        && (name.StartsWith("NannyOrleans.Protocol", StringComparison.Ordinal)
            || name.StartsWith("NannyOrleans.Domain", StringComparison.Ordinal)
            || (name.StartsWith("NannyOrleans.Grains", StringComparison.Ordinal) && type is { IsInterface: false, IsAbstract: false } && !typeof(IAddressable).IsAssignableFrom(type)));

    /// <summary>
    /// Orleans copies what a call within a process passes on, in case somebody changes it. Nobody can change a record: a cluster of thousands
    /// of guests need not be copied for each look at it.
    /// </summary>
    private sealed class ImmutableRecords : IGeneralizedCopier
    {
        public bool IsSupportedType(Type type) => IsOurs(type);

        public object? DeepCopy(object? input, CopyContext context) => input;
    }
}
