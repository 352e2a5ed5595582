using System.Text.Json.Serialization;
using NannyOrleans.Protocol.Inventories;
using NannyOrleans.Protocol.Jobs;

namespace NannyOrleans.Protocol;

/// <summary>The JSON of everything said between agent and server: snake_case, generated, so it works without reflection.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(Inventory))]
[JsonSerializable(typeof(Job))]
[JsonSerializable(typeof(PatchGuest))]
[JsonSerializable(typeof(JobReport))]
public sealed partial class ProtocolJson : JsonSerializerContext;
