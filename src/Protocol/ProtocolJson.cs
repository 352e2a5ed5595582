using System.Text.Json;
using System.Text.Json.Serialization;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;
using NannyOrleans.Protocol.Metrics;

namespace NannyOrleans.Protocol;

/// <summary>The JSON of everything said between agent and server: snake_case, generated, so it works without reflection.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(Inventory))]
[JsonSerializable(typeof(InventoryAnswer))]
[JsonSerializable(typeof(Discover))]
[JsonSerializable(typeof(NodeMetrics))]
[JsonSerializable(typeof(Job))]
[JsonSerializable(typeof(PatchGuest))]
[JsonSerializable(typeof(PatchHost))]
[JsonSerializable(typeof(PatchVm))]
[JsonSerializable(typeof(RebootGuest))]
[JsonSerializable(typeof(RebootHost))]
[JsonSerializable(typeof(Diagnose))]
[JsonSerializable(typeof(SetMaintenance))]
[JsonSerializable(typeof(SetCephFlag))]
[JsonSerializable(typeof(MigrateGuest))]
[JsonSerializable(typeof(PowerGuest))]
[JsonSerializable(typeof(CancelJob))]
[JsonSerializable(typeof(JobReport))]
[JsonSerializable(typeof(JobOutput))]
[JsonSerializable(typeof(Diagnosis))]
public sealed partial class ProtocolJson : JsonSerializerContext
{
    /// <summary>
    /// Makes a connection's own options speak this JSON. The generated types alone do not: names and strictness follow the options they
    /// are used with. A message with a part missing is refused where it comes in.
    /// </summary>
    public static void Configure(JsonSerializerOptions options)
    {
        options.TypeInfoResolverChain.Insert(0, Default);
        options.PropertyNamingPolicy = Default.Options.PropertyNamingPolicy;
        options.RespectNullableAnnotations = true;
        options.RespectRequiredConstructorParameters = true;
    }
}
