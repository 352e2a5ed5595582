using System.Collections.Concurrent;
using System.Reflection;
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
    /// of guests need not be copied for each look at it. Nor what a collection expression makes for an <see cref="IReadOnlyList{T}"/>, which
    /// has no name; Orleans knows no copier for it, and looks for one anew in each call.
    /// </summary>
    private sealed class ImmutableRecords : IGeneralizedCopier
    {
        public bool IsSupportedType(Type type) => IsOurs(type)
            || (type.Name.StartsWith("<>z__ReadOnly", StringComparison.Ordinal) && type.GetGenericArguments() is [var item] && (IsOurs(item) || item == typeof(string)));

        public object? DeepCopy(object? input, CopyContext context) => input;
    }

    /// <summary>The names of grain interfaces, read once. Orleans reads the attributes anew for each reference to a grain, which takes as long as the call.</summary>
    public sealed class InterfaceNames(IServiceProvider services) : IGrainInterfaceTypeProvider
    {
        private readonly ConcurrentDictionary<Type, GrainInterfaceType> names = [];

        /// <inheritdoc/>
        public bool TryGetGrainInterfaceType(Type type, out GrainInterfaceType grainInterfaceType)
        {
            grainInterfaceType = names.GetOrAdd(type, static (known, services) => known.GetCustomAttribute<GrainInterfaceTypeAttribute>()?.GetGrainInterfaceType(services, known) ?? default, services);
            return !grainInterfaceType.IsDefault;
        }
    }
}
